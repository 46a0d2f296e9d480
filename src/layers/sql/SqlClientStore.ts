/** Clients in a SQL database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Client from "../../domain/Client.js"
import { Digest } from "../../domain/Digest.js"
import type { Issuer } from "../../domain/Issuer.js"
import type { ClientStore } from "../../services/ClientStore.js"
import * as SqlText from "./SqlText.js"

const columns = "id, issued_at, origin, metadata, secret_digest, secret_expires_at, epoch"

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
      epoch: row.epoch
    })
  )

const encode = (client: Client.Client) => {
  const secret = Option.getOrUndefined(client.secret)
  const secretExpiresAt = Option.getOrUndefined(Option.flatMap(client.secret, ({ expiresAt }) => expiresAt))
  return {
    id: client.id,
    issuedAt: client.issuedAt.epochMillis,
    origin: client.origin,
    metadata: encodeMetadata(client.metadata),
    secretDigest: secret?.digest ?? null,
    secretExpiresAt: secretExpiresAt?.epochMillis ?? null,
    epoch: client.epoch
  }
}

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<ClientStore> => {
  const query = SqlText.queries(sql, issuer)
  const insert = query(`
    insert into clients (issuer, id, issued_at, origin, metadata, secret_digest, secret_expires_at, epoch)
    values (:issuer, :id, :issuedAt, :origin, :metadata, :secretDigest, :secretExpiresAt, :epoch)`)
  const find = query(`select ${columns} from clients where issuer = :issuer and id = :id`)
  const list = query(`select ${columns} from clients where issuer = :issuer order by issued_at, id`)
  const advanceEpoch = query("update clients set epoch = epoch + 1 where issuer = :issuer and id = :id")

  return {
    insert: (client) => Effect.asVoid(Effect.suspend(() => insert(encode(client)))),
    find: (id) => Effect.flatMap(find({ id }), (rows) => SqlText.first(rows, decode)),
    list: Effect.flatMap(list({}), Effect.forEach(decode)),
    advanceEpoch: (id) => Effect.asVoid(advanceEpoch({ id }))
  }
}
