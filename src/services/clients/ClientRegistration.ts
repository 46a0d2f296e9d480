/** Creates clients: a client registers itself (RFC 7591 §3), or the operator creates it. Updates clients of the operator. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Client from "../../domain/Client.js"
import { Conflict, Forbidden, NotFound } from "../../domain/HttpError.js"
import * as Loopback from "../../domain/Loopback.js"
import { InvalidClientMetadata, type InvalidRedirectUri, type TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as RequestedMetadata from "../../domain/RequestedMetadata.js"
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import * as UnknownScope from "../../domain/UnknownScope.js"
import { AuthMethods } from "../AuthMethods.js"
import { Events } from "../events/Events.js"
import { GrantTypes } from "../GrantTypes.js"
import { digest, identifier } from "../keys/Crypto.js"
import { Resources } from "../resources/Resources.js"
import { ServerSettings } from "../ServerSettings.js"
import * as Spans from "../Spans.js"
import { ClientStore } from "../stores/ClientStore.js"
import { newClientSecret } from "./ClientSecret.js"
import { Clients } from "./Clients.js"
import * as RedirectPolicy from "./RedirectPolicy.js"
import * as RegistrationQuota from "./RegistrationQuota.js"

/** A new client and its secret, which is shown only now. */
export interface Registered {
  readonly client: Client.Client
  readonly secret: Option.Option<Redacted.Redacted>
}

export class ClientRegistration extends Context.Tag("latchkey/ClientRegistration")<
  ClientRegistration,
  {
    /**
     * Registers a client by its metadata, a JSON value of RFC 7591 §2. Unknown members are ignored, and unusable parts are left
     * out as long as a usable part stays. This server always chooses `client_id` and `client_secret`. At most
     * `maxUnusedClients` clients that were never used are kept: a new one replaces the oldest. With a maximum of 0 registration
     * is closed.
     */
    readonly register: (
      metadata: unknown
    ) => Effect.Effect<Registered, Forbidden | InvalidClientMetadata | InvalidRedirectUri | TemporarilyUnavailable>
    /**
     * Creates a client for the operator. The client may request the scope in its metadata. An unusable part is an error, and so
     * is a misspelt scope: one that no resource offers and that is similar to an offered one.
     */
    readonly create: (
      metadata: unknown
    ) => Effect.Effect<Registered, InvalidClientMetadata | InvalidRedirectUri | TemporarilyUnavailable>
    /**
     * Updates a client that the operator created. `changes` is a JSON object of RFC 7591 §2, used as in RFC 7396: a named member
     * replaces the old one, `null` removes it, and the others stay. Concurrent changes of different members are all stored.
     *
     * Issued tokens stay valid, and give no more than the client may have now: at once for tokens that the client got for
     * itself, from the next refresh on for a user's grant. If the client authenticates in another way then, everything
     * issued to it ends; new keys alone end nothing. The result has the new secret, if the client gets one.
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

/**
 * Returns metadata as the JSON of RFC 7591, with some members changed. Response types follow the grant types (§2.1), and new keys
 * replace the old ones in either form.
 */
const withChanges = ({ response_types, ...metadata }: Client.ClientMetadata, changes: object): object => ({
  ...Client.metadataJson({ ...metadata, response_types }),
  ...(Object.hasOwn(changes, "grant_types") ? { response_types: null } : {}),
  ...(Object.hasOwn(changes, "jwks") || Object.hasOwn(changes, "jwks_uri") ? { jwks: null, jwks_uri: null } : {}),
  ...changes
})

const isRecord = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** It has no `Retry-After`: registration stays closed until the operator changes the setting. */
const closed = new Forbidden({
  reason: "RegistrationClosed",
  description: "clients cannot register themselves here; the operator of this server registers them"
})

const noSuchClient = new NotFound({ reason: "Unknown", description: "there is no such client" })

/** The scope and the name of such a client are not the operator's choice: its registration, or its document, has them. */
const notTheOperators = new Conflict({
  reason: "SelfRegistered",
  description:
    "the client registered itself, or describes itself in a document; only clients that the operator created can be changed"
})

const make = Effect.gen(function* () {
  const store = yield* ClientStore
  const clients = yield* Clients
  const events = yield* Events
  const authMethods = yield* AuthMethods
  const grantTypes = yield* GrantTypes
  const resources = yield* Resources
  const settings = yield* ServerSettings
  const watchQuota = RegistrationQuota.make(settings.maxUnusedClients, events.publish)
  const policyOf = RedirectPolicy.make(settings)

  /** Refuses unusable metadata from the operator. A client that registers itself gets the registered metadata in the response. */
  const read = Effect.fnUntraced(function* (json: unknown, origin: Client.Client["origin"]) {
    const grantTypesFor = grantTypes.names().filter(
      // No user consents before a client acts for itself, so a self-registered client cannot get this grant type.
      (grantType) => origin === "Operator" || grantType !== "client_credentials"
    )
    const negotiated = yield* RequestedMetadata.negotiate(json, {
      grantTypes: grantTypesFor,
      authMethods: authMethods.names(),
      policyOf,
      allowsLoopbackKeys: Loopback.isLoopback(new URL(settings.issuer))
    })
    const [first] = negotiated.leftOut
    if (origin === "Operator" && first !== undefined) return yield* first
    return negotiated
  })

  /** Refuses misspelt scope tokens. A token that is similar to none may belong to a resource that is created later. */
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
    const secret = Client.usesSecret(metadata.token_endpoint_auth_method)
      ? Option.some(yield* newClientSecret)
      : Option.none()
    const client: Client.Client = {
      id: Client.ClientId.make(yield* identifier, true),
      issuedAt: yield* DateTime.now,
      origin,
      approval: Option.none(),
      // A client does not choose its own maximum scope (ADR 10).
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

  const publish = Effect.fnUntraced(function* (registered: Registered) {
    const { id, origin } = registered.client
    Spans.annotate({ clientId: id })
    // A self-registered client may be deleted in a day, and its event would stay. Its consents are stored instead (ADR 26).
    const report = origin === "Dynamic" ? events.emit : events.publish
    yield* report({ _tag: "ClientRegistered", clientId: id, origin: origin === "Dynamic" ? origin : "Operator" })
    return registered
  })

  /**
   * Returns the new secret if the client gets one, `None` if it authenticates in another way and has no secret then, and
   * `undefined` if it authenticates as before. The two ways to send a secret are one way.
   */
  const secretFor = Effect.fnUntraced(function* (client: Client.Client, to: Client.ClientMetadata) {
    const [before, after] = [client.metadata.token_endpoint_auth_method, to.token_endpoint_auth_method]
    if (before === after || (Client.usesSecret(before) && Client.usesSecret(after))) return undefined
    return Client.usesSecret(after) ? Option.some(yield* newClientSecret) : Option.none()
  })

  const change: Context.Tag.Service<ClientRegistration>["update"] = Effect.fnUntraced(function* (id, changes) {
    const found = yield* store.find(id)
    if (Option.isNone(found)) return yield* noSuchClient
    const client = found.value
    if (client.origin !== "Operator") return yield* notTheOperators
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
    // Another change was stored meanwhile: apply the changes to the present metadata.
    if (!isChanged) return yield* change(id, changes)
    return {
      client: { ...client, metadata: to, ...(stored === undefined ? {} : { secret: stored, epoch: client.epoch + 1 }) },
      secret: secret ?? Option.none()
    }
  })

  return ClientRegistration.of({
    register: Spans.fn("ClientRegistration.register")(function* (json) {
      if (settings.maxUnusedClients === 0) return yield* closed
      const prepared = yield* prepare(json, "Dynamic")
      yield* watchQuota(yield* store.insertDynamic(prepared.client, settings.maxUnusedClients))
      return yield* publish(prepared)
    }),
    create: Spans.fn("ClientRegistration.create")(function* (json) {
      const prepared = yield* prepare(json, "Operator")
      yield* refuseMisspelt(prepared.client.metadata.scope ?? Scope.empty)
      yield* store.insert(prepared.client)
      return yield* publish(prepared)
    }),
    update: Spans.fn("ClientRegistration.update")(function* (id, changes) {
      Spans.annotate({ clientId: id })
      return yield* change(id, changes)
    })
  })
})

export const layer = Layer.effect(ClientRegistration, make)
