/** The grants of a database, as far as the checker needs them. */
import Sqlite from "better-sqlite3"
import Pg from "pg"

export interface GrantRow {
  readonly state: string
  readonly generation: number | null
  /** The grant is not revoked and has the current epochs of its user, its client and its consent. */
  readonly isLiving: boolean
  /** A consent with the epoch of the grant covers its whole scope. */
  readonly isCovered: boolean
}

export interface Snapshot {
  readonly grants: ReadonlyMap<string, GrantRow>
}

/**
 * The same query for SQLite and PostgreSQL. An item of a consent is a resource, or a resource, a space and one token of its scope.
 * The query joins the items with line breaks.
 */
export const query = `
  select g.id, g.state, g.generation, g.granted,
    case when g.state <> 'Revoked'
      and exists (select 1 from accounts a where a.issuer = g.issuer and a.id = g.subject
        and a.epoch = g.subject_epoch and a.state = 'Enabled')
      and exists (select 1 from clients c where c.issuer = g.issuer and c.id = g.client_id
        and c.epoch = g.client_epoch and c.state = 'Enabled')
      and exists (select 1 from consents s where s.issuer = g.issuer and s.subject = g.subject
        and s.client_id = g.client_id and s.epoch = g.consent_epoch)
    then 1 else 0 end as living,
    (select string_agg(i.value, '\n') from consent_items i
      where i.issuer = g.issuer and i.subject = g.subject
        and i.client_id = g.client_id and i.epoch = g.consent_epoch and i.kind = 'granted') as consented
  from grants g`

/** A row of the query. */
export interface Row {
  readonly id: string
  readonly state: string
  readonly generation: number | string | null
  /** A JSON object of resource to scope. */
  readonly granted: string
  readonly living: number
  readonly consented: string | null
}

/** The items that a consent needs to cover a grant. */
const itemsOf = (granted: string): ReadonlyArray<string> =>
  Object.entries(JSON.parse(granted) as Readonly<Record<string, string>>).flatMap(([resource, scope]) => [
    resource,
    ...scope.split(" ").flatMap((token) => (token === "" ? [] : [`${resource} ${token}`]))
  ])

export const fromRows = (rows: ReadonlyArray<Row>): Snapshot => ({
  grants: new Map(
    rows.map(({ consented, generation, granted, id, living, state }) => {
      const items = new Set(consented?.split("\n"))
      return [
        id,
        {
          state,
          generation: generation === null ? null : Number(generation),
          isLiving: living === 1,
          isCovered: itemsOf(granted).every((item) => items.has(item))
        }
      ]
    })
  )
})

/** Reads a SQLite file and checks whether it is sound. */
export const ofSqlite = (path: string): Snapshot & { readonly integrity: unknown } => {
  const db = new Sqlite(path, { readonly: true })
  try {
    return {
      ...fromRows(db.prepare<[], Row>(query).all()),
      integrity: db.pragma("integrity_check", { simple: true })
    }
  } finally {
    db.close()
  }
}

/** Reads a PostgreSQL database. It relies on the checksums of the database. */
export const ofPostgres = async (url: string): Promise<Snapshot & { readonly integrity: unknown }> => {
  const client = new Pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query("set search_path to latchkey")
    return { ...fromRows((await client.query<Row>(query)).rows), integrity: "ok" }
  } finally {
    await client.end()
  }
}
