/** How clients come to be: by themselves (RFC 7591 §3), or by their operator. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Client from "../domain/Client.js"
import {
  Forbidden,
  type InvalidClientMetadata,
  type InvalidRedirectUri,
  type TemporarilyUnavailable
} from "../domain/OAuthError.js"
import type * as RedirectUri from "../domain/RedirectUri.js"
import * as RequestedMetadata from "../domain/RequestedMetadata.js"
import { ClientStore } from "./ClientStore.js"
import { digest, identifier, randomSecret } from "./Crypto.js"
import { Events } from "./Events.js"
import { GrantTypes } from "./GrantTypes.js"
import * as RegistrationQuota from "./RegistrationQuota.js"
import { ServerSettings } from "./ServerSettings.js"

/** A new client, and its secret, which nobody can read again. */
export interface Registered {
  readonly client: Client.Client
  readonly secret: Option.Option<Redacted.Redacted>
}

export class ClientRegistration extends Context.Tag("latchkey/ClientRegistration")<
  ClientRegistration,
  {
    /**
     * A client registers itself by its metadata, a JSON value of RFC 7591 §2. Members that are not known are ignored, and
     * parts that cannot be used are left out while something stays; `client_id` and `client_secret` are always of this server's choosing. Of clients that nobody has used yet at most
     * `maxUnusedClients` are kept: the oldest makes room. With a maximum of 0 registration is closed.
     */
    readonly register: (
      metadata: unknown
    ) => Effect.Effect<Registered, Forbidden | InvalidClientMetadata | InvalidRedirectUri | TemporarilyUnavailable>
    /** The operator makes a client, which may ask for the scope of its metadata. A part that cannot be used is an error. */
    readonly create: (
      metadata: unknown
    ) => Effect.Effect<Registered, InvalidClientMetadata | InvalidRedirectUri | TemporarilyUnavailable>
  }
>() {}

/** A client secret (RFC 6749 §2.3.1). */
export const newClientSecret = randomSecret("lk_cs_")

/** No `Retry-After`: it stays closed until the operator changes the setting. */
const closed = new Forbidden({
  reason: "RegistrationClosed",
  description: "clients cannot register themselves here; the operator of this server registers them"
})

const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const events = yield* Events
  const grantTypes = yield* GrantTypes
  const settings = yield* ServerSettings
  const watchQuota = RegistrationQuota.make(settings.maxUnusedClients, events.publish)
  // An app that keeps a secret is a service of somebody's: it has a host, or a scheme that the operator named.
  const forApps: RedirectUri.Policy = {
    privateUseSchemes: new Set([...settings.privateUseSchemes, ...settings.appSchemes])
  }
  const policyOf = (method: Client.AuthMethod): RedirectUri.Policy => (method === "none" ? forApps : settings)

  /** An operator who wrote something that cannot be used must know of it; a client is told what was registered. */
  const read = Effect.fnUntraced(function* (json: unknown, origin: Client.Client["origin"]) {
    const grantTypesFor = (yield* grantTypes.names).filter(
      // Nobody is asked before a client acts for itself, so nobody can say yes to one that only said its own name.
      (grantType) => origin === "Operator" || grantType !== "client_credentials"
    )
    const negotiated = yield* RequestedMetadata.negotiate(json, { grantTypes: grantTypesFor, policyOf })
    const [first] = negotiated.leftOut
    if (origin === "Operator" && first !== undefined) return yield* first
    return negotiated
  })

  const prepare = Effect.fnUntraced(function* (json: unknown, origin: Client.Client["origin"]) {
    const negotiated = yield* read(json, origin)
    const { scope, ...metadata } = negotiated.metadata
    const secret = metadata.token_endpoint_auth_method === "none" ? Option.none() : Option.some(yield* newClientSecret)
    const client: Client.Client = {
      id: Client.ClientId.make(yield* identifier),
      issuedAt: yield* DateTime.now,
      origin,
      // What a client may ask for is not its own to say (ADR 10).
      metadata: origin === "Dynamic" || scope === undefined ? metadata : { ...metadata, scope },
      secret: Option.map(secret, (secret) => ({ digest: digest(secret), expiresAt: Option.none() })),
      state: "Enabled",
      usedAt: Option.none(),
      epoch: 1
    }
    if (negotiated.leftOut.length > 0) {
      yield* Effect.annotateLogs(Effect.logDebug("client metadata left out"), {
        clientId: client.id,
        reasons: negotiated.leftOut.map(({ description }) => description).join("; ")
      })
    }
    return { client, secret }
  })

  const told = Effect.fnUntraced(function* (registered: Registered) {
    const { id, origin } = registered.client
    yield* Effect.annotateCurrentSpan({ clientId: id })
    // A stranger's client may be gone in a day, and its event would stay: what was allowed to it is kept instead (ADR 26).
    const tell = origin === "Dynamic" ? events.mention : events.publish
    yield* tell({ _tag: "ClientRegistered", clientId: id, origin })
    return registered
  })

  return ClientRegistration.of({
    register: Effect.fn("ClientRegistration.register")(function* (json) {
      if (settings.maxUnusedClients === 0) return yield* closed
      const prepared = yield* prepare(json, "Dynamic")
      yield* watchQuota(yield* clients.insertDynamic(prepared.client, settings.maxUnusedClients))
      return yield* told(prepared)
    }),
    create: Effect.fn("ClientRegistration.create")(function* (json) {
      const prepared = yield* prepare(json, "Operator")
      yield* clients.insert(prepared.client)
      return yield* told(prepared)
    })
  })
})

export const layer = Layer.effect(ClientRegistration, make)
