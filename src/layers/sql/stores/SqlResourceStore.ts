/** Resources in a SQL database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Digest } from "../../../domain/Digest.js"
import type { Issuer } from "../../../domain/Issuer.js"
import { ResourceIndicator, ResourceServerId } from "../../../domain/Resource.js"
import type { ResourceStore, StoredResource } from "../../../services/stores/ResourceStore.js"
import * as SqlRow from "../SqlRow.js"
import * as SqlStatement from "../SqlStatement.js"

const columns = "uri, name, scopes, implies, server_id, server_digest"

const Row = Schema.Struct({
  uri: ResourceIndicator,
  name: Schema.NullOr(Schema.String),
  scopes: Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.String })),
  implies: Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Array(Schema.String) })),
  server_id: Schema.NullOr(ResourceServerId),
  server_digest: Schema.NullOr(Digest)
})

const read = SqlRow.reader("resources", Row)

const decode = (row: unknown) =>
  Either.map(
    read(row),
    ({ implies, name, scopes, server_digest, server_id, uri }): StoredResource => ({
      uri,
      ...(name === null ? {} : { name }),
      scopes,
      ...(Object.keys(implies).length === 0 ? {} : { implies }),
      credentials: Option.all({ id: Option.fromNullable(server_id), digest: Option.fromNullable(server_digest) })
    })
  )

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<ResourceStore> => {
  const query = SqlStatement.queries(sql, issuer)
  const insert = query(`
    insert into resources (issuer, ${columns}) values (:issuer, :uri, :name, :scopes, :implies, :serverId, :serverDigest)
    on conflict (issuer, uri) do nothing
    returning uri`)
  const findByServer = query(`select ${columns} from resources where issuer = :issuer and server_id = :id`)
  const list = query(`select ${columns} from resources where issuer = :issuer order by uri`)
  const remove = query("delete from resources where issuer = :issuer and uri = :uri returning uri")

  return {
    insert: ({ credentials, implies = {}, name, scopes, uri }) => {
      const server = Option.getOrNull(credentials)
      return Effect.map(
        insert({
          uri,
          name: name ?? null,
          scopes: JSON.stringify(scopes),
          implies: JSON.stringify(implies),
          serverId: server?.id ?? null,
          serverDigest: server?.digest ?? null
        }),
        (made) => (made.length > 0 ? "Created" : "UriTaken")
      )
    },
    findByServer: (id) => Effect.flatMap(findByServer({ id }), (rows) => SqlRow.first(rows, decode)),
    list: Effect.flatMap(list({}), Effect.forEach(decode)),
    remove: (uri) => Effect.map(remove({ uri }), (removed) => removed.length > 0)
  }
}
