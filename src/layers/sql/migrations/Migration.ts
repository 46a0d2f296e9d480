/** One step of the schema. */

/** The databases whose SQL we write. */
export type Dialect = "sqlite" | "pg"

/** The version of a schema before and after it was brought up to date. */
export interface Migrated {
  readonly from: number
  readonly to: number
}

export interface Migration {
  /** 1, 2, 3 …: the version of the schema that the step leads to. */
  readonly version: number
  readonly name: string
  /** In the order in which they are run, all in one transaction. */
  readonly statements: (dialect: Dialect) => ReadonlyArray<string>
}
