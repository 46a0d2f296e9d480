/** Authenticates clients, before any code or token is read (RFC 6749 §3.2.1). */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type AuthMethod, type Client, isConfidential, parseId } from "../../domain/Client.js"
import { InvalidClient, type TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Time from "../../domain/Time.js"
import { identify } from "../events/Origin.js"
import { digest, digestOf, digestsEqual } from "../keys/Crypto.js"
import * as Spans from "../Spans.js"
import { ClientStore } from "../stores/ClientStore.js"

/** An id and a secret: one reading of an Authorization header or a body. */
export interface IdAndSecret {
  readonly clientId: string
  readonly secret: Redacted.Redacted
}

/** The client credentials of a request (RFC 6749 §2.3.1). */
export type ClientCredentials = Data.TaggedEnum<{
  /** `client_id` alone: a public client. */
  None: { readonly clientId: string }
  Post: IdAndSecret
  /** Every reading of the header: some clients form-encode it, as the RFC requires, and many send it raw. */
  Basic: { readonly readings: ReadonlyArray<IdAndSecret> }
}>
export const ClientCredentials = Data.taggedEnum<ClientCredentials>()

export class ClientAuthenticator extends Context.Tag("latchkey/ClientAuthenticator")<
  ClientAuthenticator,
  {
    /**
     * Returns the client of the credentials. A confidential client may send its secret in the header or in the body; the log
     * says if it registered the other method (ADR 30). A public client sends no secret, or an empty one. Only the operator's
     * log distinguishes an unknown client from a wrong secret.
     */
    readonly authenticate: (
      credentials: ClientCredentials
    ) => Effect.Effect<Client, InvalidClient | TemporarilyUnavailable>
    /** The methods of the server, for the metadata (RFC 8414 §2). */
    readonly methods: ReadonlyArray<AuthMethod>
  }
>() {}

const refuse = (reason: InvalidClient["reason"]) =>
  new InvalidClient({ reason, description: "client authentication failed" })

/** Compared if a client has no secret, so that the comparison takes the same time. */
const decoy = digestOf("no secret has this digest")

const make = Effect.map(ClientStore, (clients) => {
  const find = (clientId: string): Effect.Effect<Option.Option<Client>, TemporarilyUnavailable> =>
    Option.match(parseId(clientId), { onNone: () => Effect.succeedNone, onSome: clients.find })

  /** Only for a known client: a client may send any text as its id. */
  const annotate = (client: Option.Option<Client>): void => {
    if (Option.isSome(client)) Spans.annotate({ clientId: client.value.id })
  }

  const byId = Effect.fnUntraced(function* (clientId: string) {
    const client = yield* find(clientId)
    annotate(client)
    if (Option.isNone(client)) return yield* refuse("UnknownClient")
    if (client.value.state === "Disabled") return yield* refuse("Disabled")
    return isConfidential(client.value) ? yield* refuse("MissingCredentials") : client.value
  })

  const bySecret = Effect.fnUntraced(function* (used: AuthMethod, { clientId, secret }: IdAndSecret) {
    const client = yield* find(clientId)
    annotate(client)
    const stored = Option.flatMap(client, (client) => client.secret)
    const matches = digestsEqual(digest(secret), Option.isSome(stored) ? stored.value.digest : decoy)
    if (Option.isNone(client)) return yield* refuse("UnknownClient")
    if (client.value.state === "Disabled") return yield* refuse("Disabled")
    if (!isConfidential(client.value)) return yield* refuse("WrongMethod")
    if (Option.isNone(stored) || !matches) return yield* refuse("WrongSecret")
    if (Option.isSome(stored.value.expiresAt) && !Time.isBefore(yield* DateTime.now, stored.value.expiresAt.value)) {
      return yield* refuse("ExpiredSecret")
    }
    const registered = client.value.metadata.token_endpoint_auth_method
    if (used !== registered) {
      yield* Effect.annotateLogs(Effect.logInfo("client authenticated by another method than it registered"), {
        clientId: client.value.id,
        registered,
        used
      })
    }
    return client.value
  })

  /** An empty secret in the header counts as not sent (RFC 6749 §2.3.1). */
  const byHeader = (reading: IdAndSecret) =>
    Redacted.value(reading.secret) === "" ? byId(reading.clientId) : bySecret("client_secret_basic", reading)

  const check = (credentials: ClientCredentials): Effect.Effect<Client, InvalidClient | TemporarilyUnavailable> => {
    switch (credentials._tag) {
      case "None":
        return byId(credentials.clientId)
      case "Post":
        return bySecret("client_secret_post", credentials)
      case "Basic": {
        const [first, ...others] = credentials.readings
        return first === undefined
          ? refuse("MalformedCredentials")
          : others.reduce(
              (tried, reading) => Effect.catchTag(tried, "InvalidClient", () => byHeader(reading)),
              byHeader(first)
            )
      }
    }
  }

  return ClientAuthenticator.of({
    methods: ["none", "client_secret_basic", "client_secret_post"],
    authenticate: Spans.fn("ClientAuthenticator.authenticate")(function* (credentials) {
      const client = yield* check(credentials)
      identify({ _tag: "Client", clientId: client.id, isAuthenticated: isConfidential(client) })
      return client
    })
  })
})

export const layer = Layer.effect(ClientAuthenticator, make)
