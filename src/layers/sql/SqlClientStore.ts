/** Clients in a SQL database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Client from "../../domain/Client.js"
import { Digest } from "../../domain/Digest.js"
import type { Issuer } from "../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { ClientStore } from "../../services/ClientStore.js"
import * as SqlText from "./SqlText.js"

const columns = "id, issued_at, origin, metadata, secret_digest, secret_expires_at, state, used_at, epoch"

/** A client that registered itself and was never used: as the index of them has it. */
const unused = "origin = 'Dynamic' and used_at is null"

/** The scope of a client may have more tokens than one request may name, as in any row. */
const Metadata = Schema.parseJson(
  Schema.Struct({ ...Client.ClientMetadata.fields, scope: Schema.optional(SqlText.ScopeText) })
)

const Row = Schema.Struct({
  id: Client.ClientId,
  issued_at: SqlText.Instant,
  origin: Schema.Literal("Operator", "Dynamic"),
  metadata: Metadata,
  secret_digest: Schema.NullOr(Digest),
  secret_expires_at: Schema.NullOr(SqlText.Instant),
  state: Schema.Literal("Enabled", "Disabled"),
  used_at: Schema.NullOr(SqlText.Instant),
  epoch: Schema.Int
})

const read = SqlText.reader("clients", Row)

const encodeMetadata = Schema.encodeSync(Metadata)

const decode = (row: unknown) =>
  Effect.map(
    read(row),
    (row): Client.Client => ({
      id: row.id,
      issuedAt: row.issued_at,
      origin: row.origin,
      metadata: row.metadata,
      secret: Option.map(Option.fromNullable(row.secret_digest), (digest) => ({
        digest,
        expiresAt: Option.fromNullable(row.secret_expires_at)
      })),
      state: row.state,
      usedAt: Option.fromNullable(row.used_at),
      epoch: row.epoch
    })
  )

const encodeSecret = ({ digest, expiresAt }: Client.StoredSecret) => ({
  secretDigest: digest,
  secretExpiresAt: Option.getOrNull(expiresAt)?.epochMillis ?? null
})

const encode = (client: Client.Client) => ({
  id: client.id,
  issuedAt: client.issuedAt.epochMillis,
  origin: client.origin,
  metadata: encodeMetadata(client.metadata),
  ...Option.match(client.secret, {
    onNone: () => ({ secretDigest: null, secretExpiresAt: null }),
    onSome: encodeSecret
  }),
  state: client.state,
  usedAt: Option.getOrNull(client.usedAt)?.epochMillis ?? null,
  epoch: client.epoch
})

const isChanged = (rows: ReadonlyArray<object>): boolean => rows.length > 0

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<ClientStore> => {
  const query = SqlText.queries(sql, issuer)
  const insert = query(`
    insert into clients (issuer, ${columns})
    values (
      :issuer, :id, :issuedAt, :origin, :metadata, :secretDigest, :secretExpiresAt, :state, :usedAt, :epoch
    )`)
  const insertDynamic = query(`
    insert into clients (issuer, ${columns})
    select
      :issuer, :id, cast(:issuedAt as bigint), :origin, :metadata, :secretDigest, cast(:secretExpiresAt as bigint),
      :state, cast(:usedAt as bigint), cast(:epoch as bigint)
    where (select count(*) from clients where issuer = :issuer and ${unused}) < cast(:atMost as bigint)
    returning id`)
  const find = query(`select ${columns} from clients where issuer = :issuer and id = :id`)
  const list = query(`select ${columns} from clients where issuer = :issuer order by issued_at, id`)
  const lock = query("select pg_advisory_xact_lock(hashtextextended(:issuer, 0))")
  // Whoever counts rows must be alone. Writers of SQLite are; those of PostgreSQL wait for each other here.
  const alone: <A>(self: Effect.Effect<A, TemporarilyUnavailable>) => Effect.Effect<A, TemporarilyUnavailable> =
    sql.onDialectOrElse({
      // As a statement is, the transaction is done to its end.
      pg: () => (self) =>
        sql
          .withTransaction(Effect.zipRight(lock({}), self))
          .pipe(Effect.catchTag("SqlError", SqlText.unavailable), Effect.uninterruptible),
      orElse: () => (self) => self
    })
  const markUsed = query("update clients set used_at = :now where issuer = :issuer and id = :id and used_at is null")
  const setState = query(`
    update clients set state = :state, epoch = epoch + case when :state = 'Disabled' then 1 else 0 end
    where issuer = :issuer and id = :id
    returning id`)
  const setSecret = query(`
    update clients set secret_digest = :secretDigest, secret_expires_at = :secretExpiresAt, epoch = epoch + 1
    where issuer = :issuer and id = :id
    returning id`)
  const remove = query("delete from clients where issuer = :issuer and id = :id returning id")
  // The condition is said again outside, for a client that is used while it is being removed.
  const removeUnused = query(`
    delete from clients where issuer = :issuer and ${unused} and id in (
      select id from clients where issuer = :issuer and ${unused} and issued_at < :before
      order by issued_at limit :limit
    )
    returning id`)
  const advanceEpoch = query("update clients set epoch = epoch + 1 where issuer = :issuer and id = :id")

  return {
    insert: (client) => Effect.asVoid(Effect.suspend(() => insert(encode(client)))),
    insertDynamic: (client, atMost) =>
      Effect.map(alone(Effect.suspend(() => insertDynamic({ ...encode(client), atMost }))), (made) =>
        made.length > 0 ? "Created" : "QuotaReached"
      ),
    find: (id) => Effect.flatMap(find({ id }), (rows) => SqlText.first(rows, decode)),
    list: Effect.flatMap(list({}), Effect.forEach(decode)),
    markUsed: (id, now) => Effect.asVoid(markUsed({ id, now: now.epochMillis })),
    setState: (id, state) => Effect.map(setState({ id, state }), isChanged),
    setSecret: (id, secret) => Effect.map(setSecret({ id, ...encodeSecret(secret) }), isChanged),
    remove: (id) => Effect.map(remove({ id }), isChanged),
    removeUnused: (before, limit) =>
      Effect.map(removeUnused({ before: before.epochMillis, limit }), (removed) => removed.length),
    advanceEpoch: (id) => Effect.asVoid(advanceEpoch({ id }))
  }
}
