/** Clients in a SQL database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Client from "../../../domain/Client.js"
import { Digest } from "../../../domain/Digest.js"
import type { Issuer } from "../../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import { ResourceIndicator } from "../../../domain/Resource.js"
import type { ClientStore } from "../../../services/stores/ClientStore.js"
import { forgettable } from "../ForgettableClient.js"
import * as RememberedRows from "../RememberedRows.js"
import * as SqlRow from "../SqlRow.js"
import * as SqlStatement from "../SqlStatement.js"
import * as ScopeText from "./ScopeText.js"

const columns =
  "id, issued_at, origin, approval, metadata, secret_digest, secret_expires_at, state, used_at, epoch, registration_digest"

/** A client that registered itself and was never used, word for word as in the index of such clients. */
const unused = "origin = 'Dynamic' and used_at is null"

/** The scope of a client may have more tokens than one request may name. */
const Metadata = Schema.parseJson(
  Schema.Struct({ ...Client.ClientMetadata.fields, scope: Schema.optional(ScopeText.ScopeText) })
)

const encodeMetadata = (metadata: Client.ClientMetadata): string => JSON.stringify(Client.metadataJson(metadata))

/** The approval of a client as JSON. */
const Approval = Schema.parseJson(
  Schema.Struct({ at: SqlRow.Instant, resources: Schema.ReadonlySet(ResourceIndicator) })
)

const encodeApproval = Option.match({
  onNone: () => null,
  onSome: ({ at, resources }: Client.Approval) =>
    JSON.stringify({ at: at.epochMillis, resources: Array.from(resources) })
})

const Row = Schema.Struct({
  id: Client.ClientId,
  issued_at: SqlRow.Instant,
  origin: Client.Origin,
  approval: Schema.NullOr(Approval),
  metadata: Metadata,
  secret_digest: Schema.NullOr(Digest),
  secret_expires_at: Schema.NullOr(SqlRow.Instant),
  state: Schema.Literal("Enabled", "Disabled"),
  used_at: Schema.NullOr(SqlRow.Instant),
  epoch: Schema.Int,
  registration_digest: Schema.NullOr(Digest)
})

const read = SqlRow.reader("clients", Row)

/** The metadata of a row as stored, to detect a change. */
const readMetadata = SqlRow.reader("clients", Row.pick("metadata"))
const readText = SqlRow.reader("clients", Schema.Struct({ metadata: Schema.String }))

const readCount = SqlRow.reader(
  "clients",
  Schema.Struct({ value: Schema.Union(Schema.Number, Schema.NumberFromString) })
)

/** Maximum number of clients whose decoded form is remembered, about 1 MB. Every token request reads a client. */
const remembered = 256

const decode = SqlRow.remembering((row) => Either.map(read(row), clientOf), "id", remembered)

const clientOf = (row: typeof Row.Type): Client.Client => ({
  id: row.id,
  issuedAt: row.issued_at,
  origin: row.origin,
  approval: Option.fromNullable(row.approval),
  metadata: row.metadata,
  secret: Option.map(Option.fromNullable(row.secret_digest), (digest) => ({
    digest,
    expiresAt: Option.fromNullable(row.secret_expires_at)
  })),
  state: row.state,
  usedAt: Option.fromNullable(row.used_at),
  epoch: row.epoch,
  registrationDigest: Option.fromNullable(row.registration_digest)
})

const encodeSecret = (secret: Client.Client["secret"]) =>
  Option.match(secret, {
    onNone: () => ({ secretDigest: null, secretExpiresAt: null }),
    onSome: ({ digest, expiresAt }) => ({
      secretDigest: digest,
      secretExpiresAt: Option.getOrNull(expiresAt)?.epochMillis ?? null
    })
  })

const encode = (client: Client.Client) => ({
  id: client.id,
  issuedAt: client.issuedAt.epochMillis,
  origin: client.origin,
  approval: encodeApproval(client.approval),
  metadata: encodeMetadata(client.metadata),
  ...encodeSecret(client.secret),
  state: client.state,
  usedAt: Option.getOrNull(client.usedAt)?.epochMillis ?? null,
  epoch: client.epoch,
  registrationDigest: Option.getOrNull(client.registrationDigest)
})

const usePrecision = Duration.toMillis(Client.usePrecision)

const isChanged = (rows: ReadonlyArray<object>): boolean => rows.length > 0

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<ClientStore> => {
  const query = SqlStatement.queries(sql, issuer)
  const harmless = SqlStatement.queries(sql, issuer, "Harmless")
  const transaction = SqlStatement.transaction(sql)
  const insert = harmless(`
    insert into clients (issuer, ${columns})
    values (
      :issuer, :id, :issuedAt, :origin, :approval, :metadata, :secretDigest, :secretExpiresAt, :state, :usedAt, :epoch,
      :registrationDigest
    )`)
  const record = query(`
    insert into clients (issuer, ${columns})
    values (
      :issuer, :id, :issuedAt, :origin, :approval, :metadata, :secretDigest, :secretExpiresAt, :state, :usedAt, :epoch,
      :registrationDigest
    )
    on conflict (issuer, id) do update set metadata = excluded.metadata
    returning ${columns}`)
  const setApproval = query(`
    update clients set approval = :approval where issuer = :issuer and id = :id
    returning id`)
  const insertDynamic = `
    insert into clients (issuer, ${columns})
    select
      :issuer, :id, cast(:issuedAt as bigint), :origin, :approval, :metadata, :secretDigest,
      cast(:secretExpiresAt as bigint), :state, cast(:usedAt as bigint), cast(:epoch as bigint), :registrationDigest
    where coalesce((select unused from client_counts where issuer = :issuer), 0) < cast(:atMost as bigint)` as const
  // The new client overwrites the row of the oldest one, so that one statement deletes one client and stores the other. The
  // outer statement repeats the condition for a client that is used at the same time.
  const replaceOldest = `
    update clients set
      id = :id, issued_at = :issuedAt, origin = :origin, approval = :approval, metadata = :metadata,
      secret_digest = :secretDigest, secret_expires_at = :secretExpiresAt, state = :state, used_at = :usedAt,
      epoch = :epoch, registration_digest = :registrationDigest
    where issuer = :issuer and ${unused} and id = (
      select id from clients where issuer = :issuer and ${unused} order by issued_at limit 1
    )` as const
  const countUnused = query("select coalesce((select unused from client_counts where issuer = :issuer), 0) as value")
  const find = query(`select ${columns} from clients where issuer = :issuer and id = :id`)
  const rows = RememberedRows.make(
    sql,
    (id: Client.ClientId) => Effect.flatMap(find({ id }), (found) => SqlRow.first(found, decode)),
    remembered
  )
  const list = query(`
    select ${columns} from clients where issuer = :issuer and (issued_at, id) > (:issuedAt, :id)
    order by issued_at, id limit :limit`)
  const markUsed = harmless(`
    update clients set used_at = :now
    where issuer = :issuer and id = :id and (used_at is null or used_at <= :before)`)
  const setState = query(`
    update clients set state = :state, epoch = epoch + case when :state = 'Disabled' then 1 else 0 end
    where issuer = :issuer and id = :id
    returning id`)
  const setSecret = query(`
    update clients set secret_digest = :secretDigest, secret_expires_at = :secretExpiresAt, epoch = epoch + 1
    where issuer = :issuer and id = :id
    returning id`)
  // The statement compares the stored text, because its members may be in another order than in the text of the caller.
  const findText = query("select metadata from clients where issuer = :issuer and id = :id")
  const setMetadata = query(`
    update clients set metadata = :to
    where issuer = :issuer and id = :id and metadata = :from
    returning id`)
  const setMetadataAndSecret = query(`
    update clients set
      metadata = :to, secret_digest = :secretDigest, secret_expires_at = :secretExpiresAt, epoch = epoch + 1
    where issuer = :issuer and id = :id and metadata = :from
    returning id`)
  const remove = query("delete from clients where issuer = :issuer and id = :id returning id")
  // The outer statement repeats the condition for a client that is used at the same time.
  const removeUnused = query(`
    delete from clients where issuer = :issuer and ${unused} and id in (
      select id from clients where issuer = :issuer and ${unused} and issued_at < :before
      order by issued_at limit :limit
    )
    returning id`)
  const hasNoGrant =
    "not exists (select 1 from grants where grants.issuer = clients.issuer and grants.client_id = clients.id)"
  // The outer condition is a sum, so that the rows are found by their ids (see GrantStatements).
  const removeAbandoned = query(`
    delete from clients where issuer = :issuer and id in (
      select id from clients
      where issuer = :issuer and ${forgettable} and used_at < :before and ${hasNoGrant}
      order by used_at limit :limit
    ) and ${forgettable} and 0 + used_at < :before and ${hasNoGrant}
    returning id`)
  const hasNoConsent = `not exists (
    select 1 from consents join consent_items
      on consent_items.issuer = consents.issuer and consent_items.subject = consents.subject
        and consent_items.client_id = consents.client_id and consent_items.epoch = consents.epoch
    where consents.issuer = clients.issuer and consents.client_id = clients.id
  )`
  const removeIdle = query(`
    delete from clients where issuer = :issuer and id in (
      select id from clients
      where issuer = :issuer and ${forgettable} and used_at < :before and ${hasNoGrant} and ${hasNoConsent}
      order by used_at limit :limit
    ) and ${forgettable} and 0 + used_at < :before and ${hasNoGrant} and ${hasNoConsent}
    returning id`)
  const countIdle = query(`
    select count(*) as value from clients
    where issuer = :issuer and ${forgettable} and used_at < :before and ${hasNoGrant} and ${hasNoConsent}`)
  const countUnusedBefore = query(
    `select count(*) as value from clients where issuer = :issuer and ${unused} and issued_at < :before`
  )
  const advanceEpoch = query("update clients set epoch = epoch + 1 where issuer = :issuer and id = :id")

  const readValue = (rows: ReadonlyArray<object>) => Effect.map(readCount(rows[0]), ({ value }) => value)
  const counted = (rows: Effect.Effect<ReadonlyArray<object>, TemporarilyUnavailable>) =>
    Effect.flatMap(rows, readValue)

  /**
   * Stores a client and returns the number of unused clients. `None` if nothing was stored. A statement that counts rows
   * must run alone. On SQLite every write does; on PostgreSQL a lock is needed, and all statements are one transaction.
   */
  const tryToStore: (
    row: ReturnType<typeof encode>,
    atMost: number
  ) => Effect.Effect<Option.Option<number>, TemporarilyUnavailable> = sql.onDialectOrElse({
    pg: () => {
      const lock = query("select pg_advisory_xact_lock(hashtextextended(:issuer, 0))")
      const store = query(`
        with inserted as (${insertDynamic} returning id),
          replaced as (${replaceOldest} and not exists (select 1 from inserted) returning id)
        select id from inserted union all select id from replaced`)
      return (row, atMost) =>
        Effect.flatMap(
          transaction([lock.compiled({}), store.compiled({ ...row, atMost }), countUnused.compiled({})]),
          ([, stored = [], counts = []]) => (isChanged(stored) ? Effect.asSome(readValue(counts)) : Effect.succeedNone)
        )
    },
    orElse: () => {
      const insert = harmless(`${insertDynamic} returning id`)
      const replace = harmless(`${replaceOldest} returning id`)
      return Effect.fnUntraced(function* (row, atMost) {
        const isStored = isChanged(yield* insert({ ...row, atMost })) || isChanged(yield* replace(row))
        return isStored ? Option.some(yield* counted(countUnused({}))) : Option.none()
      })
    }
  })

  /** If the oldest client is used at the same time, no row changes. Then there is room, and the next attempt succeeds. */
  const storeDynamic = (client: Client.Client, atMost: number): Effect.Effect<number, TemporarilyUnavailable> =>
    Effect.flatMap(
      Effect.suspend(() => tryToStore(encode(client), atMost)),
      Option.match({ onNone: () => storeDynamic(client, atMost), onSome: Effect.succeed })
    )

  /** Returns the text of the stored metadata if they equal those that the caller read. */
  const textOf = (id: Client.ClientId, metadata: Client.ClientMetadata) =>
    Effect.gen(function* () {
      const [row] = yield* findText({ id })
      if (row === undefined) return undefined
      const stored = (yield* readMetadata(row)).metadata
      return Client.isSameMetadata(stored, metadata) ? (yield* readText(row)).metadata : undefined
    })

  return {
    insert: (client) => Effect.asVoid(Effect.suspend(() => insert(encode(client)))),
    insertDynamic: (client, atMost) => (atMost === 0 ? Effect.succeed(0) : rows.changing(storeDynamic(client, atMost))),
    record: (client) =>
      Effect.flatMap(rows.find(client.id), (found) =>
        Option.isSome(found) && Client.isSameMetadata(found.value.metadata, client.metadata)
          ? Effect.succeed(found.value)
          : Effect.flatMap(
              Effect.suspend(() => record(encode(client))),
              ([row = {}]) => decode(row)
            )
      ),
    find: rows.find,
    list: ({ after, limit }) =>
      Effect.flatMap(
        list({ issuedAt: after?.issuedAt.epochMillis ?? Number.MIN_SAFE_INTEGER, id: after?.id ?? "", limit }),
        Effect.forEach(decode)
      ),
    markUsed: (id, now) =>
      Effect.asVoid(rows.changing(markUsed({ id, now: now.epochMillis, before: now.epochMillis - usePrecision }))),
    setState: (id, state) => Effect.map(setState({ id, state }), isChanged),
    setApproval: (id, approval) => Effect.map(setApproval({ id, approval: encodeApproval(approval) }), isChanged),
    setSecret: (id, secret) => Effect.map(setSecret({ id, ...encodeSecret(Option.some(secret)) }), isChanged),
    setMetadata: (id, { from, secret, to }) =>
      Effect.flatMap(textOf(id, from), (text) => {
        if (text === undefined) return Effect.succeed(false)
        const change = { id, from: text, to: encodeMetadata(to) }
        const changed =
          secret === undefined ? setMetadata(change) : setMetadataAndSecret({ ...change, ...encodeSecret(secret) })
        return Effect.map(changed, isChanged)
      }),
    remove: (id) => Effect.map(remove({ id }), isChanged),
    removeUnused: (before, limit) =>
      Effect.map(removeUnused({ before: before.epochMillis, limit }), (removed) => removed.length),
    removeAbandoned: (before, limit) =>
      Effect.map(removeAbandoned({ before: before.epochMillis, limit }), (removed) => removed.length),
    countUnused: (before) => counted(countUnusedBefore({ before: before.epochMillis })),
    removeIdle: (before, limit) =>
      Effect.map(removeIdle({ before: before.epochMillis, limit }), (removed) => removed.length),
    countIdle: (before) => counted(countIdle({ before: before.epochMillis })),
    advanceEpoch: (id) => Effect.asVoid(advanceEpoch({ id }))
  }
}
