/**
 * Lets a client that registered itself read, change and delete its own registration (RFC 7592). It proves itself by the
 * registration access token, which stays the same: a lost response never locks a client out.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Client from "../../domain/Client.js"
import { Forbidden } from "../../domain/HttpError.js"
import {
  InvalidClientMetadata,
  type InvalidRedirectUri,
  InvalidSoftwareStatement,
  InvalidToken,
  type TemporarilyUnavailable
} from "../../domain/OAuthError.js"
import * as Origin from "../events/Origin.js"
import { digest, digestsEqual } from "../keys/Crypto.js"
import * as Spans from "../Spans.js"
import * as ClientNegotiation from "./ClientNegotiation.js"
import type { Registered } from "./ClientRegistration.js"
import { Clients } from "./Clients.js"
import * as MetadataUpdate from "./MetadataUpdate.js"
import * as SoftwareStatements from "./SoftwareStatements.js"

/** The client that a request names, and the token that it presents. */
export interface Credentials {
  readonly id: Client.ClientId
  readonly token: Redacted.Redacted
}

/** Why a request does not prove that it comes from the client. */
type NotTheClient = Forbidden | InvalidToken | TemporarilyUnavailable

export class ClientConfiguration extends Context.Tag("latchkey/ClientConfiguration")<
  ClientConfiguration,
  {
    /** Returns the registration (RFC 7592 §2.1). An unknown client and a wrong token get the same error. */
    readonly read: (credentials: Credentials) => Effect.Effect<Client.Client, NotTheClient>
    /**
     * Replaces all metadata of the client (RFC 7592 §2.2), by the rules of a registration. A missing member gets its default. A
     * client that gets a secret or loses it loses everything that was issued to it.
     */
    readonly replace: (
      credentials: Credentials,
      metadata: unknown
    ) => Effect.Effect<Registered, NotTheClient | InvalidClientMetadata | InvalidRedirectUri | InvalidSoftwareStatement>
    /** Deletes the client, and ends everything that was issued to it (RFC 7592 §2.3). */
    readonly remove: (credentials: Credentials) => Effect.Effect<void, NotTheClient>
  }
>() {}

/** Returns the error for a token that is not that of the client. It is the same if there is no such client. */
export const refuseToken = (reason: "Unknown" | "WrongClient") =>
  new InvalidToken({ reason, description: "the registration access token is not valid for this client" })

const disabled = new Forbidden({
  reason: "ClientDisabled",
  description: "the operator of this server has disabled this client"
})

const refuse = (reason: InvalidClientMetadata["reason"], description: string) =>
  new InvalidClientMetadata({ reason, description })

/** Members that only the server chooses. A request must not have them (RFC 7592 §2.2). */
const chosenByServer = [
  "registration_access_token",
  "registration_client_uri",
  "client_secret_expires_at",
  "client_id_issued_at"
]

/** Refuses metadata that do not name the client, or that would choose what only the server chooses (RFC 7592 §2.2). */
const objection = (client: Client.Client, metadata: unknown): InvalidClientMetadata | undefined => {
  if (typeof metadata !== "object" || metadata === null) return undefined
  const { client_id, client_secret } = metadata as Readonly<Record<string, unknown>>
  if (client_id !== client.id) return refuse("Inconsistent", "client_id is not that of the client")
  const isSecretRight =
    typeof client_secret === "string" &&
    Option.exists(client.secret, (stored) => digestsEqual(stored.digest, digest(Redacted.make(client_secret))))
  if (client_secret !== undefined && !isSecretRight) {
    return refuse("Inconsistent", "client_secret is not that of the client")
  }
  const name = chosenByServer.find((name) => Object.hasOwn(metadata, name))
  return name === undefined ? undefined : refuse("NotChangeable", `leave out the member ${name}: the server chooses it`)
}

/** A client whose metadata were stated by an issuer cannot leave that issuer's control. */
const statementMissing = new InvalidSoftwareStatement({
  reason: "Missing",
  description: "this client registered with a software_statement: send it, or a newer one"
})

const make = Effect.gen(function* () {
  const clients = yield* Clients
  const read = yield* ClientNegotiation.make
  const statements = yield* SoftwareStatements.SoftwareStatements

  const authenticate = Effect.fnUntraced(function* ({ id, token }: Credentials) {
    const client = Option.getOrUndefined(yield* clients.find(id))
    const stored = client === undefined ? Option.none() : client.registrationDigest
    if (client === undefined || Option.isNone(stored)) return yield* refuseToken("Unknown")
    if (!digestsEqual(stored.value, digest(token))) return yield* refuseToken("WrongClient")
    if (client.state === "Disabled") return yield* disabled
    Spans.annotate({ clientId: id })
    Origin.identify({ _tag: "Client", clientId: id, isAuthenticated: true })
    return client
  })

  /** The events of a client that no user uses are not stored: a stranger can cause them again and again. */
  const optionsOf = (client: Client.Client) => ({ isStored: Option.isSome(client.usedAt) })

  const replace = Effect.fnUntraced(function* (
    credentials: Credentials,
    json: unknown
  ): Effect.fn.Return<
    Registered,
    NotTheClient | InvalidClientMetadata | InvalidRedirectUri | InvalidSoftwareStatement
  > {
    const client = yield* authenticate(credentials)
    const objected = objection(client, json)
    if (objected !== undefined) return yield* objected
    const statement = yield* statements.verify(json)
    if (statement === undefined && client.metadata.software_statement !== undefined) return yield* statementMissing
    const negotiated = yield* read(SoftwareStatements.apply(json, statement), "Dynamic")
    const { scope: _, ...own } = negotiated.metadata
    const to = statement === undefined ? own : { ...own, software_statement: statement.text }
    yield* ClientNegotiation.logLeftOut(client.id, negotiated)
    const updated = yield* MetadataUpdate.store(clients, client, to, optionsOf(client))
    return Option.isSome(updated) ? updated.value : yield* replace(credentials, json)
  })

  return ClientConfiguration.of({
    read: Spans.fn("ClientConfiguration.read")(function* (credentials) {
      return yield* authenticate(credentials)
    }),
    replace: Spans.fn("ClientConfiguration.replace")(function* (credentials, metadata) {
      return yield* replace(credentials, metadata)
    }),
    remove: Spans.fn("ClientConfiguration.remove")(function* (credentials) {
      const client = yield* authenticate(credentials)
      yield* clients.remove(client.id, optionsOf(client))
    })
  })
})

export const layer = Layer.effect(ClientConfiguration, make)
