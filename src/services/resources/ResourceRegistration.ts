/** How the operator says what the server guards, beside what an app composes into it. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import { digest, identifier, randomSecret } from "../keys/Crypto.js"
import { ResourceStore, type StoredResource } from "../stores/ResourceStore.js"
import { Resources } from "./Resources.js"

/** What makes a resource. */
export interface NewResource extends Pick<Resource.Resource, "uri" | "name" | "scopes"> {
  /** Whether its server asks about tokens (RFC 7662), and gets a secret for it. */
  readonly introspects: boolean
}

/** A new resource, and its server's secret, which nobody can read again. */
export interface Registered {
  readonly resource: StoredResource
  readonly secret: Option.Option<Redacted.Redacted>
}

export class UriTaken extends Data.TaggedError("UriTaken")<{}> {}

/** A scope is granted at every resource that offers it: unticking it at one would not take it away at the other. */
export class ScopeTaken extends Data.TaggedError("ScopeTaken")<{
  readonly token: string
  readonly by: Resource.ResourceIndicator
}> {}

export class ResourceRegistration extends Context.Tag("latchkey/ResourceRegistration")<
  ResourceRegistration,
  {
    /** Makes a resource. Of any number of callers with one URI, exactly one succeeds. */
    readonly register: (
      resource: NewResource
    ) => Effect.Effect<Registered, UriTaken | ScopeTaken | TemporarilyUnavailable>
  }
>() {}

/** By what a resource's server proves itself where it introspects: an id, and 256 random bits behind a prefix. */
const newCredentials = Effect.gen(function* () {
  const id = Resource.ResourceServerId.make(yield* identifier)
  const secret = yield* randomSecret("lk_rs_")
  return { id, secret }
})

const requireOwnScopes = (resource: NewResource, others: ReadonlyArray<Resource.Resource>) => {
  for (const other of others) {
    const [token] = Scope.intersection(Resource.scope(resource), Resource.scope(other))
    if (token !== undefined) return new ScopeTaken({ token, by: other.uri })
  }
  return Effect.void
}

const make = Effect.gen(function* () {
  const store = yield* ResourceStore
  const resources = yield* Resources
  return ResourceRegistration.of({
    register: Effect.fn("ResourceRegistration.register")(function* ({ introspects, ...given }) {
      // What is kept is read anew: the list of all of them may be a moment old.
      const others = [...(yield* resources.all), ...(yield* store.list)]
      if (Resource.find(others, given.uri) !== undefined) return yield* new UriTaken()
      yield* requireOwnScopes({ introspects, ...given }, others)
      const credentials = introspects ? Option.some(yield* newCredentials) : Option.none()
      const resource: StoredResource = {
        ...given,
        credentials: Option.map(credentials, ({ id, secret }) => ({ id, digest: digest(secret) }))
      }
      if ((yield* store.insert(resource)) === "UriTaken") return yield* new UriTaken()
      return { resource, secret: Option.map(credentials, ({ secret }) => secret) }
    })
  })
})

export const layer = Layer.effect(ResourceRegistration, make)
