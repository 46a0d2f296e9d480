/** What a database holds of grants, as far as the checker asks. */
import Sqlite from "better-sqlite3"
import Pg from "pg"

export interface GrantRow {
  readonly state: string
  readonly generation: number | null
  /** Not revoked, and of the epochs that its person, its client and its consent have now. */
  readonly isLiving: boolean
  /** A consent of the grant's epoch covers its whole scope. */
  readonly isCovered: boolean
}

export interface Snapshot {
  readonly grants: ReadonlyMap<string, GrantRow>
}

/**
 * The same text for every database that speaks SQL. An item of a consent is a resource, or a resource, a space and one token
 * of its scope.
 */
export const query = `
  select g.id, g.state, g.generation, g.scope,
    case when g.state <> 'Revoked'
      and exists (select 1 from accounts a where a.issuer = g.issuer and a.id = g.subject
        and a.epoch = g.subject_epoch and a.state = 'Enabled')
      and exists (select 1 from clients c where c.issuer = g.issuer and c.id = g.client_id
        and c.epoch = g.client_epoch and c.state = 'Enabled')
      and exists (select 1 from consents s where s.issuer = g.issuer and s.subject = g.subject
        and s.client_id = g.client_id and s.epoch = g.consent_epoch)
    then 1 else 0 end as living,
    (select count(distinct substr(i.value, length(r.value) + 2)) from consent_items i
      join consent_items r on r.issuer = i.issuer and r.subject = i.subject and r.client_id = i.client_id
        and r.epoch = i.epoch and r.kind = 'granted' and substr(i.value, 1, length(r.value) + 1) = r.value || ' '
      where i.issuer = g.issuer and i.subject = g.subject
        and i.client_id = g.client_id and i.epoch = g.consent_epoch and i.kind = 'granted'
        and ' ' || g.scope || ' ' like '% ' || substr(i.value, length(r.value) + 2) || ' %') as covered
  from grants g`

/** A row of the query. */
export interface Row {
  readonly id: string
  readonly state: string
  readonly generation: number | string | null
  readonly scope: string
  readonly living: number
  readonly covered: number | string
}

export const fromRows = (rows: ReadonlyArray<Row>): Snapshot => ({
  grants: new Map(
    rows.map(({ covered, generation, id, living, scope, state }) => [
      id,
      {
        state,
        generation: generation === null ? null : Number(generation),
        isLiving: living === 1,
        isCovered: Number(covered) === scope.split(" ").filter((token) => token !== "").length
      }
    ])
  )
})

/** Reads a SQLite file, and whether it is sound. */
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

/** Reads a PostgreSQL database, whose own checksums are trusted. */
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
