/** Creates clients: a client registers itself (RFC 7591 §3), or the operator creates it. Updates clients of the operator. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Client from "../../domain/Client.js"
import { Conflict, type Forbidden, NotFound } from "../../domain/HttpError.js"
import {
  InvalidClientMetadata,
  type InvalidRedirectUri,
  type InvalidSoftwareStatement,
  type InvalidToken,
  type MissingToken,
  type TemporarilyUnavailable,
  type UnapprovedSoftwareStatement
} from "../../domain/OAuthError.js"
import type * as RequestedMetadata from "../../domain/RequestedMetadata.js"
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import * as UnknownScope from "../../domain/UnknownScope.js"
import { Events } from "../events/Events.js"
import { digest, identifier } from "../keys/Crypto.js"
import { Resources } from "../resources/Resources.js"
import { ServerSettings } from "../ServerSettings.js"
import * as Spans from "../Spans.js"
import { ClientStore } from "../stores/ClientStore.js"
import * as ClientNegotiation from "./ClientNegotiation.js"
import { newClientSecret, newRegistrationToken, toStored } from "./ClientSecret.js"
import { Clients } from "./Clients.js"
import { InitialAccessTokens } from "./InitialAccessTokens.js"
import * as MetadataUpdate from "./MetadataUpdate.js"
import * as RegistrationPolicy from "./RegistrationPolicy.js"
import * as RegistrationQuota from "./RegistrationQuota.js"
import * as SoftwareStatements from "./SoftwareStatements.js"

/** A new client and its secret, which is shown only now. */
export interface Registered {
  readonly client: Client.Client
  readonly secret: Option.Option<Redacted.Redacted>
}

/** A client that registered itself, its secret, and the token for its registration (RFC 7592 §1.2). Both are shown only now. */
export interface SelfRegistered extends Registered {
  readonly registrationToken: Redacted.Redacted
}

/** Why a client may not register itself. */
export type RegistrationRefused =
  | Forbidden
  | InvalidClientMetadata
  | InvalidRedirectUri
  | InvalidSoftwareStatement
  | InvalidToken
  | MissingToken
  | TemporarilyUnavailable
  | UnapprovedSoftwareStatement

export class ClientRegistration extends Context.Tag("latchkey/ClientRegistration")<
  ClientRegistration,
  {
    /**
     * Registers a client by its metadata, a JSON value of RFC 7591 §2. Unknown members are ignored, and unusable parts are left
     * out as long as a usable part stays. This server always chooses `client_id` and `client_secret`. The setting
     * `registration` decides who may register. `bearer` is the initial access token of the request, and is counted if the
     * metadata can be used.
     *
     * At most `maxUnusedClients` clients that were never used are kept: a new one replaces the oldest. A client with an initial
     * access token is not counted among them.
     */
    readonly register: (
      metadata: unknown,
      bearer?: Option.Option<Redacted.Redacted>
    ) => Effect.Effect<SelfRegistered, RegistrationRefused>
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
  const resources = yield* Resources
  const { maxUnusedClients } = yield* ServerSettings
  const tokens = yield* InitialAccessTokens
  const admit = yield* RegistrationPolicy.make
  const read = yield* ClientNegotiation.make
  const watchQuota = RegistrationQuota.make(maxUnusedClients, events.publish)

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

  const prepare = Effect.fnUntraced(function* (
    negotiated: RequestedMetadata.Negotiated,
    rest: Pick<Client.Client, "metadata" | "origin" | "registrationDigest">
  ) {
    const secret = Client.usesSecret(rest.metadata.token_endpoint_auth_method)
      ? Option.some(yield* newClientSecret)
      : Option.none()
    const client: Client.Client = {
      id: Client.ClientId.make(yield* identifier, true),
      issuedAt: yield* DateTime.now,
      secret: Option.map(secret, toStored),
      state: "Enabled",
      usedAt: Option.none(),
      epoch: 1,
      approval: Option.none(),
      ...rest
    }
    yield* ClientNegotiation.logLeftOut(client.id, negotiated)
    return { client, secret }
  })

  /** Stores a client that registered itself, and publishes its registration. */
  const insert = Effect.fnUntraced(function* (client: Client.Client, { token }: RegistrationPolicy.Admission) {
    const { id: clientId, issuedAt } = client
    if (Option.isSome(token)) {
      yield* tokens.spend(token.value)
      // The operator has admitted it, so it is not among the unused clients of strangers.
      yield* store.insert({ ...client, usedAt: Option.some(issuedAt) })
      return yield* events.publish({
        _tag: "ClientRegistered",
        clientId,
        origin: "Dynamic",
        initialAccessTokenId: token.value.id
      })
    }
    yield* watchQuota(yield* store.insertDynamic(client, maxUnusedClients))
    // The client may be deleted in a day, and its event would stay. Its consents are stored instead (ADR 26).
    yield* events.emit({ _tag: "ClientRegistered", clientId, origin: "Dynamic" })
  })

  const change: Context.Tag.Service<ClientRegistration>["update"] = Effect.fnUntraced(function* (id, changes) {
    const found = yield* store.find(id)
    if (Option.isNone(found)) return yield* noSuchClient
    const client = found.value
    if (client.origin !== "Operator") return yield* notTheOperators
    const from = client.metadata
    const { metadata: to } = yield* read(isRecord(changes) ? withChanges(from, changes) : changes, "Operator")
    yield* refuseMisspelt(Scope.difference(to.scope ?? Scope.empty, from.scope ?? Scope.empty))
    const updated = yield* MetadataUpdate.store(clients, client, to)
    return Option.isSome(updated) ? updated.value : yield* change(id, changes)
  })

  return ClientRegistration.of({
    register: Spans.fn("ClientRegistration.register")(function* (json, bearer = Option.none()) {
      const admission = yield* admit(json, bearer)
      const { statement } = admission
      const negotiated = yield* read(SoftwareStatements.apply(json, statement), "Dynamic")
      // A client does not choose its own maximum scope (ADR 10).
      const { scope: _, ...own } = negotiated.metadata
      const metadata = statement === undefined ? own : { ...own, software_statement: statement.text }
      const registrationToken = yield* newRegistrationToken
      const prepared = yield* prepare(negotiated, {
        metadata,
        origin: "Dynamic",
        registrationDigest: Option.some(digest(registrationToken))
      })
      Spans.annotate({ clientId: prepared.client.id })
      yield* insert(prepared.client, admission)
      return { ...prepared, registrationToken }
    }),
    create: Spans.fn("ClientRegistration.create")(function* (json) {
      const negotiated = yield* read(json, "Operator")
      const { metadata } = negotiated
      yield* refuseMisspelt(metadata.scope ?? Scope.empty)
      const prepared = yield* prepare(negotiated, { metadata, origin: "Operator", registrationDigest: Option.none() })
      const { id: clientId } = prepared.client
      Spans.annotate({ clientId })
      yield* store.insert(prepared.client)
      yield* events.publish({ _tag: "ClientRegistered", clientId, origin: "Operator" })
      return prepared
    }),
    update: Spans.fn("ClientRegistration.update")(function* (id, changes) {
      Spans.annotate({ clientId: id })
      return yield* change(id, changes)
    })
  })
})

export const layer = Layer.effect(ClientRegistration, make)
