/** One numbered step of the database schema. */

/** The SQL dialects that a migration is written in. */
export type Dialect = "sqlite" | "pg"

/** The schema version before and after a run of the migrations. */
export interface Migrated {
  readonly from: number
  readonly to: number
}

export interface Migration {
  /** The schema version that this step creates: 1, 2, 3 … */
  readonly version: number
  readonly name: string
  /** The statements in the order of execution, all in one transaction. */
  readonly statements: (dialect: Dialect) => ReadonlyArray<string>
}
