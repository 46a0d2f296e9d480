/** Where the resources are kept that the operator makes. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Digest } from "../../domain/Digest.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Resource, ResourceIndicator, ResourceServerId } from "../../domain/Resource.js"

/** A resource as it is kept. */
export interface StoredResource extends Resource {
  /** By what its server authenticates when it introspects (RFC 7662 §2.1); its id is no URL, for the sake of Basic. */
  readonly credentials: Option.Option<{ readonly id: ResourceServerId; readonly digest: Digest }>
}

export class ResourceStore extends Context.Tag("latchkey/ResourceStore")<
  ResourceStore,
  {
    /** Keep a resource. Of any number of callers with one URI, exactly one sees `Created`. */
    readonly insert: (resource: StoredResource) => Effect.Effect<"Created" | "UriTaken", TemporarilyUnavailable>
    readonly findByServer: (
      id: ResourceServerId
    ) => Effect.Effect<Option.Option<StoredResource>, TemporarilyUnavailable>
    /** All of them, by their URIs. */
    readonly list: Effect.Effect<ReadonlyArray<StoredResource>, TemporarilyUnavailable>
    /** `true` for the one caller whose call removed it. */
    readonly remove: (uri: ResourceIndicator) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}
