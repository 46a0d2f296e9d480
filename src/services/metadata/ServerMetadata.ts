/**
 * The metadata of the authorization server (RFC 8414 §2). Each endpoint adds its members when its layer is built, so the
 * document advertises only endpoints that answer.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import { AuthMethods } from "../AuthMethods.js"
import { GrantTypes } from "../GrantTypes.js"
import { Resources } from "../resources/Resources.js"
import { ServerSettings } from "../ServerSettings.js"

/** The members of the document, under the names of RFC 8414 §2. */
export type Members = Readonly<Record<string, string | boolean | ReadonlyArray<string>>>

/** An endpoint at which clients authenticate, as the names of its members begin. */
export type Authenticating = "token" | "revocation" | "introspection"

export class ServerMetadata extends Context.Tag("latchkey/ServerMetadata")<
  ServerMetadata,
  {
    readonly add: (members: Members) => Effect.Effect<void>
    /**
     * Names the authentication methods of an endpoint, and the algorithms with which clients sign. Only a client that
     * authenticates may introspect, so that endpoint has no method `none`.
     */
    readonly addAuthentication: (endpoint: Authenticating) => Effect.Effect<void>
    /** Returns the present document, without empty lists (RFC 8414 §2). */
    readonly document: Effect.Effect<Members, TemporarilyUnavailable>
    /** As `document`, without an effect; `undefined` if only `document` can tell. `now` is the time in milliseconds. */
    readonly peek: (now: number) => Members | undefined
  }
>() {}

/** Returns the members of RFC 8414 §2 about the authentication at an endpoint. */
const authenticationOf = (
  endpoint: Authenticating,
  methods: ReadonlyArray<string>,
  algorithms: ReadonlyArray<string>
): Members => ({
  [`${endpoint}_endpoint_auth_methods_supported`]:
    endpoint === "introspection" ? methods.filter((method) => method !== "none") : methods,
  [`${endpoint}_endpoint_auth_signing_alg_values_supported`]: algorithms
})

const make = Effect.gen(function* () {
  const authMethods = yield* AuthMethods
  const grantTypes = yield* GrantTypes
  const { issuer } = yield* ServerSettings
  const resources = yield* Resources
  let added: Members = {}
  let authenticating: ReadonlyArray<Authenticating> = []
  let last: Made | undefined
  /** Returns the same document as long as nothing changes, so that its text is made once. */
  const documentOf = (known: ReadonlyArray<Resource.Resource>): Members => {
    const names = grantTypes.names()
    const methods = authMethods.names()
    if (last?.added === added && last.names === names && last.methods === methods && last.known === known) {
      return last.document
    }
    const algorithms = authMethods.signingAlgorithms()
    const members: Members = {
      issuer,
      ...added,
      ...Object.assign({}, ...authenticating.map((endpoint) => authenticationOf(endpoint, methods, algorithms))),
      grant_types_supported: names,
      scopes_supported: Array.from(Resource.offered(Resource.listed(known)))
    }
    const document = Object.fromEntries(
      Object.entries(members).filter(([, value]) => !Array.isArray(value) || value.length > 0)
    )
    last = { added, names, methods, known, document }
    return document
  }
  return ServerMetadata.of({
    add: (members) =>
      Effect.sync(() => {
        added = { ...added, ...members }
      }),
    addAuthentication: (endpoint) =>
      Effect.sync(() => {
        authenticating = [...authenticating, endpoint]
        last = undefined
      }),
    document: Effect.map(resources.all, documentOf),
    peek: (now) => {
      const known = resources.peek(now)
      return known === undefined ? undefined : documentOf(known)
    }
  })
})

/** A document, and what it was made of. */
interface Made {
  readonly added: Members
  readonly names: ReadonlyArray<string>
  readonly methods: ReadonlyArray<string>
  readonly known: ReadonlyArray<Resource.Resource>
  readonly document: Members
}

export const layer = Layer.effect(ServerMetadata, make)
