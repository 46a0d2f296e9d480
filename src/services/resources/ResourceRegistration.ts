/** Registers the resources that the operator adds to those of the server's settings. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import * as ScopeHierarchy from "../../domain/ScopeHierarchy.js"
import { digest, identifier, randomSecret } from "../keys/Crypto.js"
import * as Spans from "../Spans.js"
import { ResourceStore, type StoredResource } from "../stores/ResourceStore.js"
import { Resources } from "./Resources.js"

/** The description of a new resource. */
export interface NewResource extends Pick<Resource.Resource, "uri" | "name" | "scopes" | "implies"> {
  /** Whether the resource's server introspects tokens (RFC 7662), for which it gets a secret. */
  readonly introspects: boolean
}

/** A new resource, and the secret of its server, which is shown only once. */
export interface Registered {
  readonly resource: StoredResource
  readonly secret: Option.Option<Redacted.Redacted>
}

export class UriTaken extends Data.TaggedError("UriTaken")<{}> {}

/** A built-in resource offers the scope, and no other resource may: its tokens are for no other resource. */
export class ScopeTaken extends Data.TaggedError("ScopeTaken")<{
  readonly token: string
  readonly by: Resource.ResourceIndicator
}> {}

/** The implications name a scope that the resource does not offer, or have a cycle. */
export class InvalidImplication extends Data.TaggedError("InvalidImplication")<{ readonly message: string }> {}

export class ResourceRegistration extends Context.Tag("latchkey/ResourceRegistration")<
  ResourceRegistration,
  {
    /** Stores a new resource. Exactly one of concurrent callers with the same URI succeeds. */
    readonly register: (
      resource: NewResource
    ) => Effect.Effect<Registered, UriTaken | ScopeTaken | InvalidImplication | TemporarilyUnavailable>
  }
>() {}

/** Draws the credentials with which a resource's server introspects: an id, and 256 random bits behind a prefix. */
const newCredentials = Effect.gen(function* () {
  const id = Resource.ResourceServerId.make(yield* identifier)
  const secret = yield* randomSecret("lk_rs_")
  return { id, secret }
})

const requireFreeScopes = (resource: Pick<NewResource, "scopes">, others: ReadonlyArray<Resource.Resource>) => {
  for (const other of others) {
    if (other.builtIn === undefined) continue
    const [token] = Scope.intersection(Resource.scope(resource), Resource.scope(other))
    if (token !== undefined) return new ScopeTaken({ token, by: other.uri })
  }
  return Effect.void
}

const make = Effect.gen(function* () {
  const store = yield* ResourceStore
  const resources = yield* Resources
  return ResourceRegistration.of({
    register: Spans.fn("ResourceRegistration.register")(function* ({ implies = {}, introspects, ...others }) {
      const description = Object.keys(implies).length === 0 ? others : { ...others, implies }
      // The store is read again, because the list of all resources may be a second old.
      const known = [...(yield* resources.all), ...(yield* store.list)]
      if (Resource.find(known, description.uri) !== undefined) return yield* new UriTaken()
      yield* requireFreeScopes(description, known)
      const objection = ScopeHierarchy.objection(description)
      if (objection !== undefined) return yield* new InvalidImplication({ message: objection })
      const credentials = introspects ? Option.some(yield* newCredentials) : Option.none()
      const resource: StoredResource = {
        ...description,
        credentials: Option.map(credentials, ({ id, secret }) => ({ id, digest: digest(secret) }))
      }
      if ((yield* store.insert(resource)) === "UriTaken") return yield* new UriTaken()
      return { resource, secret: Option.map(credentials, ({ secret }) => secret) }
    })
  })
})

export const layer = Layer.effect(ResourceRegistration, make)
