/** Stores the resources that the operator creates. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Digest } from "../../domain/Digest.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Resource, ResourceIndicator, ResourceServerId } from "../../domain/Resource.js"

/** A resource as it is stored. */
export interface StoredResource extends Resource {
  /** The credentials of its server for introspection (RFC 7662 §2.1). The id is no URL, because of HTTP Basic. */
  readonly credentials: Option.Option<{ readonly id: ResourceServerId; readonly digest: Digest }>
}

export class ResourceStore extends Context.Tag("latchkey/ResourceStore")<
  ResourceStore,
  {
    /** Store a resource. Exactly one of any number of callers with one URI sees `Created`. */
    readonly insert: (resource: StoredResource) => Effect.Effect<"Created" | "UriTaken", TemporarilyUnavailable>
    readonly findByServer: (
      id: ResourceServerId
    ) => Effect.Effect<Option.Option<StoredResource>, TemporarilyUnavailable>
    /** Returns all resources in the order of their URIs. */
    readonly list: Effect.Effect<ReadonlyArray<StoredResource>, TemporarilyUnavailable>
    /** Delete a resource. The one caller whose call deleted it sees `true`. */
    readonly remove: (uri: ResourceIndicator) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}
