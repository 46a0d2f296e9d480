/** A resource as JSON. */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Digest } from "../../domain/Digest.js"
import { type Resource, ResourceIndicator, ResourceServerId } from "../../domain/Resource.js"

export const ResourceView = Schema.Struct({
  uri: ResourceIndicator,
  name: Schema.optional(Schema.String),
  scopes: Schema.Record({ key: Schema.String, value: Schema.String }),
  implies: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Array(Schema.String) })),
  introspection_id: Schema.optional(ResourceServerId),
  introspection_secret: Schema.optional(
    Schema.String.annotations({ description: "Present only in the response that created it." })
  )
}).annotations({ identifier: "Resource", description: "An API or MCP server that accepts this server's tokens." })
export type ResourceView = typeof ResourceView.Type

interface Kept extends Resource {
  readonly credentials: Option.Option<{ readonly id: ResourceServerId; readonly digest: Digest }>
}

/** Renders a resource. `secret` is given only if it is new. */
export const fromResource = (
  { credentials, implies, name, scopes, uri }: Kept,
  secret: Option.Option<Redacted.Redacted> = Option.none()
): ResourceView => ({
  uri,
  ...(name === undefined ? {} : { name }),
  scopes,
  ...(implies === undefined ? {} : { implies }),
  ...Option.match(credentials, { onNone: () => ({}), onSome: ({ id }) => ({ introspection_id: id }) }),
  ...Option.match(secret, {
    onNone: () => ({}),
    onSome: (secret) => ({ introspection_secret: Redacted.value(secret) })
  })
})
