/** A client as JSON: under the names of RFC 7591, with members of our own for the rest. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Client from "../../domain/Client.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import * as ClientInformation from "./ClientInformation.js"

export const ClientView = Schema.extend(
  Schema.Struct({
    client_id: Client.ClientId,
    client_id_issued_at: Schema.Number,
    client_secret: Schema.optional(
      Schema.String.annotations({ description: "Present only in the response that created it." })
    ),
    client_secret_expires_at: Schema.optional(Schema.Number),
    state: Schema.Literal("Enabled", "Disabled"),
    origin: Client.Origin,
    approval: Schema.optional(
      Schema.Struct({
        approved_at: Schema.String,
        resources: Schema.Array(ResourceIndicator).annotations({
          description: "Resources to which users grant the client access without a consent page."
        })
      })
    ),
    used_at: Schema.optional(Schema.String)
  }),
  Schema.encodedSchema(Client.ClientMetadata)
).annotations({ identifier: "Client", description: "A client, with its metadata (RFC 7591 §2)." })
export type ClientView = typeof ClientView.Type

/** Renders a client. Its scope is the registered one, even if the resources offer another scope now. */
export const fromClient = (
  client: Client.Client,
  secret: Option.Option<Redacted.Redacted> = Option.none()
): ClientView => ({
  ...ClientInformation.toJson(client, client.metadata.scope ?? Scope.empty, secret),
  state: client.state,
  origin: client.origin,
  ...Option.match(client.approval, {
    onNone: () => ({}),
    onSome: ({ at, resources }) => ({
      approval: { approved_at: DateTime.formatIso(at), resources: Array.from(resources) }
    })
  }),
  ...Option.match(client.usedAt, { onNone: () => ({}), onSome: (at) => ({ used_at: DateTime.formatIso(at) }) })
})
