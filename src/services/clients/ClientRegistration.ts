/** How clients come to be: by themselves (RFC 7591 §3), or by their operator. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Client from "../../domain/Client.js"
import { Conflict, Forbidden, NotFound } from "../../domain/HttpError.js"
import { InvalidClientMetadata, type InvalidRedirectUri, type TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type * as RedirectUri from "../../domain/RedirectUri.js"
import * as RequestedMetadata from "../../domain/RequestedMetadata.js"
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import * as UnknownScope from "../../domain/UnknownScope.js"
import { Events } from "../events/Events.js"
import { GrantTypes } from "../GrantTypes.js"
import { digest, identifier } from "../keys/Crypto.js"
import { Resources } from "../resources/Resources.js"
import { ServerSettings } from "../ServerSettings.js"
import { ClientStore } from "../stores/ClientStore.js"
import { newClientSecret } from "./ClientSecret.js"
import { Clients } from "./Clients.js"
import * as RegistrationQuota from "./RegistrationQuota.js"

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
    /**
     * The operator makes a client, which may ask for the scope of its metadata. A part that cannot be used is an error, and
     * so is a scope that no resource offers and that is nearly one that is offered.
     */
    readonly create: (
      metadata: unknown
    ) => Effect.Effect<Registered, InvalidClientMetadata | InvalidRedirectUri | TemporarilyUnavailable>
    /**
     * The operator changes a client that the operator made. `changes` is a JSON object of RFC 7591 §2 (as in RFC 7396): a
     * member that it names replaces the old one, `null` removes it, and the others stay. Concurrent changes of different
     * members all hold.
     *
     * What was issued stays, and gives no more than the client may have now: at once for the tokens of the client's own,
     * from the next refresh on for a person's grant. A client that begins or ceases to keep a secret loses all that was
     * issued to it; the new secret is in the answer.
     */
    readonly update: (
      id: Client.ClientId,
      changes: unknown
    ) => Effect.Effect<
      Registered,
      NotFound | Conflict | InvalidClientMetadata | InvalidRedirectUri | TemporarilyUnavailable
    >
  }
>() {}

const encodeMetadata = Schema.encodeSync(Client.ClientMetadata)

/** Metadata as the JSON of RFC 7591, with changes of some members. Response types follow the grant types (§2.1). */
const withChanges = ({ response_types, ...metadata }: Client.ClientMetadata, changes: object): object => ({
  ...encodeMetadata({ ...metadata, response_types }),
  ...(Object.hasOwn(changes, "grant_types") ? { response_types: null } : {}),
  ...changes
})

const isRecord = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** No `Retry-After`: it stays closed until the operator changes the setting. */
const closed = new Forbidden({
  reason: "RegistrationClosed",
  description: "clients cannot register themselves here; the operator of this server registers them"
})

const noSuchClient = new NotFound({ reason: "Unknown", description: "there is no such client" })

/** What such a client may ask for, and its name, are not the operator's words: it registers again to change them. */
const selfRegistered = new Conflict({
  reason: "SelfRegistered",
  description: "the client registered itself: only clients that the operator made are changed"
})

const make = Effect.gen(function* () {
  const store = yield* ClientStore
  const clients = yield* Clients
  const events = yield* Events
  const grantTypes = yield* GrantTypes
  const resources = yield* Resources
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

  /** Refuses tokens that are nearly those of a resource; one that is like none may be of a resource that is made later. */
  const refuseMisspelt = Effect.fnUntraced(function* (tokens: Scope.Scope) {
    const unknown = UnknownScope.find(tokens, Resource.offered(yield* resources.all))
    const misspelt = unknown.filter(({ nearest }) => nearest !== undefined)
    if (misspelt.length > 0) {
      return yield* new InvalidClientMetadata({
        reason: "MisspeltScope",
        description: `no resource offers the scope ${misspelt.map(UnknownScope.format).join(", ")}; if it is right, make its resource first`
      })
    }
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
    const tell = origin === "Dynamic" ? events.emit : events.publish
    yield* tell({ _tag: "ClientRegistered", clientId: id, origin })
    return registered
  })

  /** The secret that new metadata ask for, where the client begins or ceases to keep one. */
  const secretFor = Effect.fnUntraced(function* (client: Client.Client, to: Client.ClientMetadata) {
    const keepsSecret = to.token_endpoint_auth_method !== "none"
    if (keepsSecret === Client.isConfidential(client)) return undefined
    return keepsSecret ? Option.some(yield* newClientSecret) : Option.none()
  })

  const change: Context.Tag.Service<ClientRegistration>["update"] = Effect.fnUntraced(function* (id, changes) {
    const found = yield* store.find(id)
    if (Option.isNone(found)) return yield* noSuchClient
    const client = found.value
    if (client.origin === "Dynamic") return yield* selfRegistered
    const from = client.metadata
    const { metadata: to } = yield* read(isRecord(changes) ? withChanges(from, changes) : changes, "Operator")
    yield* refuseMisspelt(Scope.difference(to.scope ?? Scope.empty, from.scope ?? Scope.empty))
    if (Client.isSameMetadata(from, to)) return { client, secret: Option.none() }
    const secret = yield* secretFor(client, to)
    const stored = secret && Option.map(secret, (secret) => ({ digest: digest(secret), expiresAt: Option.none() }))
    const isChanged = yield* clients.change(id, {
      from,
      to,
      ...(stored === undefined ? {} : { secret: stored })
    })
    // Somebody else changed it meanwhile: the named members are changed in what it is now.
    if (!isChanged) return yield* change(id, changes)
    return {
      client: { ...client, metadata: to, ...(stored === undefined ? {} : { secret: stored, epoch: client.epoch + 1 }) },
      secret: secret ?? Option.none()
    }
  })

  return ClientRegistration.of({
    register: Effect.fn("ClientRegistration.register")(function* (json) {
      if (settings.maxUnusedClients === 0) return yield* closed
      const prepared = yield* prepare(json, "Dynamic")
      yield* watchQuota(yield* store.insertDynamic(prepared.client, settings.maxUnusedClients))
      return yield* told(prepared)
    }),
    create: Effect.fn("ClientRegistration.create")(function* (json) {
      const prepared = yield* prepare(json, "Operator")
      yield* refuseMisspelt(prepared.client.metadata.scope ?? Scope.empty)
      yield* store.insert(prepared.client)
      return yield* told(prepared)
    }),
    update: Effect.fn("ClientRegistration.update")(function* (id, changes) {
      yield* Effect.annotateCurrentSpan({ clientId: id })
      return yield* change(id, changes)
    })
  })
})

export const layer = Layer.effect(ClientRegistration, make)
