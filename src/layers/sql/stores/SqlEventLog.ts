/** Events in a SQL database: the kind and the actor as JSON, and columns for the ids that select events. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { Actor, type Event, EventKind, idsOf } from "../../../domain/Event.js"
import type { Issuer } from "../../../domain/Issuer.js"
import type { EventLog } from "../../../services/stores/EventLog.js"
import * as SqlRow from "../SqlRow.js"
import * as SqlStatement from "../SqlStatement.js"

const KindText = Schema.parseJson(EventKind)

const ActorText = Schema.parseJson(Actor)

/** A column that is null if the value is unknown. */
const optional = <A, I>(name: string, schema: Schema.Schema<A, I>) =>
  Schema.optionalWith(schema, { nullable: true }).pipe(Schema.fromKey(name))

const read = SqlRow.reader(
  "events",
  Schema.Struct({
    id: Schema.String,
    at: SqlRow.Instant,
    kind: KindText,
    actor: optional("actor", ActorText),
    requestId: optional("request_id", Schema.String),
    address: optional("address", Schema.String)
  })
)

/** Returns the JSON text of the fields that a union has for a tag. `Schema.encodeSync` takes five times as long. */
const encoder = <A extends { readonly _tag: string }, I>(union: Schema.Schema<A, I>) => {
  const names = new Map<unknown, Array<string>>()
  for (const member of SchemaAST.isUnion(union.ast) ? union.ast.types : []) {
    const fields = SchemaAST.getPropertySignatures(member)
    const tag = fields.find(({ name }) => name === "_tag")?.type
    if (tag !== undefined && SchemaAST.isLiteral(tag)) {
      names.set(
        tag.literal,
        fields.map(({ name }) => String(name))
      )
    }
  }
  return (value: A): string => JSON.stringify(value, names.get(value._tag) ?? [])
}

const encodeKind = encoder(EventKind)
const encodeActor = encoder(Actor)

const columns = [
  "issuer",
  "id",
  "at",
  "subject",
  "client_id",
  "grant_id",
  "kind",
  "actor",
  "request_id",
  "address"
] as const

/** Numbers of rows that one statement may insert. Few sizes mean few prepared statements. */
const sizes = [64, 32, 16, 8, 4, 2, 1]

const chunksOf = <A>(values: ReadonlyArray<A>): Array<ReadonlyArray<A>> => {
  const chunks: Array<ReadonlyArray<A>> = []
  for (let from = 0; from < values.length; from += chunks.at(-1)?.length ?? 0) {
    const size = sizes.find((size) => size <= values.length - from) ?? 1
    chunks.push(values.slice(from, from + size))
  }
  return chunks
}

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<EventLog> => {
  const run = SqlStatement.runner(sql)
  const harmless = SqlStatement.queries(sql, issuer, "Harmless")
  const prune = harmless(`
    delete from events where issuer = :issuer and id in (
      select id from events where issuer = :issuer and at < :before order by at limit :limit
    )
    returning id`)

  const insert = SqlStatement.insertion(sql, "events", columns)

  const encode = ({ actor, address, at, kind, id, requestId }: Event) => {
    const { clientId = null, grantId = null, subject = null } = idsOf(kind)
    return {
      issuer,
      id,
      at: at.epochMillis,
      subject,
      client_id: clientId,
      grant_id: grantId,
      kind: encodeKind(kind),
      actor: actor === undefined ? null : encodeActor(actor),
      request_id: requestId ?? null,
      address: address ?? null
    }
  }

  return {
    append: (events) => {
      const [first, ...others] = chunksOf(events).map((chunk) => insert(chunk.map(encode)))
      if (first === undefined) return Effect.void
      return others.length === 0
        ? Effect.asVoid(first)
        : Effect.all([first, ...others], { discard: true, concurrency: "unbounded" })
    },
    read: ({ after, clientId, grantId, limit, requestId, subject }) => {
      const conditions = [
        sql`issuer = ${issuer}`,
        ...(after === undefined ? [] : [sql`id > ${after}`]),
        ...(subject === undefined ? [] : [sql`subject = ${subject}`]),
        ...(clientId === undefined ? [] : [sql`client_id = ${clientId}`]),
        ...(grantId === undefined ? [] : [sql`grant_id = ${grantId}`]),
        ...(requestId === undefined ? [] : [sql`request_id = ${requestId}`])
      ]
      const statement = sql`select id, at, kind, actor, request_id, address from events where ${sql.and(conditions)} order by id limit ${limit}`
      return Effect.flatMap(run(statement), Effect.forEach(read))
    },
    prune: (before, limit) => Effect.map(prune({ before: before.epochMillis, limit }), (pruned) => pruned.length)
  }
}
