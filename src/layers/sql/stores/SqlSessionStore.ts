/** Login sessions in a SQL database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Subject } from "../../../domain/Account.js"
import { Digest } from "../../../domain/Digest.js"
import type { Issuer } from "../../../domain/Issuer.js"
import { type Session, SessionId } from "../../../domain/Session.js"
import type { SessionStore } from "../../../services/stores/SessionStore.js"
import * as SqlRow from "../SqlRow.js"
import * as SqlStatement from "../SqlStatement.js"
import { subjectEpoch } from "./AccountStatements.js"

const columns = "id, digest, subject, authenticated_at, expires_at, subject_epoch, browser, network"

const Row = Schema.Struct({
  id: SessionId,
  digest: Digest,
  subject: Subject,
  authenticated_at: SqlRow.Instant,
  expires_at: SqlRow.Instant,
  subject_epoch: Schema.Int,
  browser: Schema.OptionFromNullOr(Schema.String),
  network: Schema.OptionFromNullOr(Schema.String)
})

const read = SqlRow.reader("sessions", Row)

/** Maximum number of sessions whose decoded form is remembered, about 1 MB. Every page reads one. */
const remembered = 1024

const decode = SqlRow.remembering((row) => Either.map(read(row), sessionOf), "id", remembered)

const sessionOf = (row: typeof Row.Type): Session => ({
  id: row.id,
  digest: row.digest,
  subject: row.subject,
  authenticatedAt: row.authenticated_at,
  expiresAt: row.expires_at,
  subjectEpoch: row.subject_epoch,
  browser: row.browser,
  sealedNetwork: row.network
})

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<SessionStore> => {
  const query = SqlStatement.queries(sql, issuer)
  const harmless = SqlStatement.queries(sql, issuer, "Harmless")
  const insert = harmless(`
    insert into sessions
      (issuer, id, digest, subject, authenticated_at, expires_at, subject_epoch, browser, network)
    values (:issuer, :id, :digest, :subject, :authenticatedAt, :expiresAt, :subjectEpoch, :browser, :network)`)
  const find = query(`
    select ${columns} from sessions
    where issuer = :issuer and digest = :digest and expires_at > :now and subject_epoch = ${subjectEpoch("sessions")}`)
  const list = query(`
    select ${columns} from sessions
    where issuer = :issuer and subject = :subject and expires_at > :now and subject_epoch = ${subjectEpoch("sessions")}
    order by authenticated_at desc, id desc`)
  const prune = harmless(`
    delete from sessions where issuer = :issuer and id in (
      select id from sessions where issuer = :issuer and expires_at < :before order by expires_at limit :limit
    )
    returning id`)
  const end = harmless("delete from sessions where issuer = :issuer and id = :id returning id")

  return {
    insert: (session) =>
      Effect.asVoid(
        insert({
          id: session.id,
          digest: session.digest,
          subject: session.subject,
          authenticatedAt: session.authenticatedAt.epochMillis,
          expiresAt: session.expiresAt.epochMillis,
          subjectEpoch: session.subjectEpoch,
          browser: Option.getOrNull(session.browser),
          network: Option.getOrNull(session.sealedNetwork)
        })
      ),
    find: (digest, now) => Effect.flatMap(find({ digest, now: now.epochMillis }), (rows) => SqlRow.first(rows, decode)),
    list: (subject, now) => Effect.flatMap(list({ subject, now: now.epochMillis }), Effect.forEach(decode)),
    prune: (before, limit) => Effect.map(prune({ before: before.epochMillis, limit }), (pruned) => pruned.length),
    end: (id) => Effect.map(end({ id }), (ended) => ended.length > 0)
  }
}
