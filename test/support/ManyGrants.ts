/** Grants by the thousand: copies of one that a server made, each of a person of its own, written straight into the tables. */
import Sqlite from "better-sqlite3"

/** Makes `count` copies of a client's grant, each with the consent that it was made under. */
export const insert = (database: string, clientId: string, count: number): void => {
  const db = new Sqlite(database, { timeout: 10_000 })
  try {
    const columns = db
      .prepare(
        "select name from pragma_table_info('grants') where name not in ('id', 'subject', 'consent_epoch', 'subject_epoch')"
      )
      .pluck()
      .all()
      .join(", ")
    const numbers = "with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < :count)"
    db.transaction(() => {
      db.prepare(
        `${numbers} insert into grants (id, subject, consent_epoch, subject_epoch, ${columns})
         select substr(id, 1, 10) || printf('%016d', n), printf('person-%07d', n), 1, 0, ${columns}
         from numbers join grants where client_id = :clientId`
      ).run({ count, clientId })
      db.prepare(
        `${numbers} insert into consents (issuer, subject, client_id, updated_at, epoch)
         select issuer, printf('person-%07d', n), client_id, updated_at, 1
         from numbers join consents where client_id = :clientId`
      ).run({ count, clientId })
      db.prepare(
        `${numbers} insert into consent_items (issuer, subject, client_id, epoch, kind, value)
         select issuer, printf('person-%07d', n), client_id, 1, kind, value
         from numbers join consent_items where client_id = :clientId`
      ).run({ count, clientId })
    })()
  } finally {
    db.close()
  }
}

/** How many grants of a client there are that no row calls revoked. */
export const unmarked = (database: string, clientId: string): number => {
  const db = new Sqlite(database, { readonly: true })
  try {
    return Number(
      db.prepare("select count(*) from grants where client_id = ? and state <> 'Revoked'").pluck().get(clientId)
    )
  } finally {
    db.close()
  }
}
