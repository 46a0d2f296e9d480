/** The methods `none`, `client_secret_basic` and `client_secret_post` (RFC 6749 §2.3.1). */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Client from "../../domain/Client.js"
import type { InvalidClient, InvalidRequest, TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import * as Time from "../../domain/Time.js"
import { type Attempt, AuthMethods, type Find, type Presented, refuse, several } from "../AuthMethods.js"
import { digest, digestOf, digestsEqual } from "../keys/Crypto.js"
import * as BasicCredentials from "./BasicCredentials.js"

type Authenticated = Effect.Effect<Client.Client, InvalidClient | TemporarilyUnavailable>

/** Compared if a client has no secret, so that the comparison takes the same time. */
const decoy = digestOf("no secret has this digest")

/** Authenticates a public client by its id alone. */
const byId = Effect.fnUntraced(function* (find: Find, clientId: string) {
  const client = yield* find(clientId)
  if (Option.isNone(client)) return yield* refuse("UnknownClient")
  if (client.value.state === "Disabled") return yield* refuse("Disabled")
  return Client.isConfidential(client.value) ? yield* refuse("MissingCredentials") : client.value
})

/** A client may send its secret by either method (ADR 30). */
const bySecret = Effect.fnUntraced(function* (
  find: Find,
  used: Client.AuthMethod,
  { clientId, secret }: BasicCredentials.IdAndSecret
) {
  const client = yield* find(clientId)
  const stored = Option.flatMap(client, (client) => client.secret)
  const matches = digestsEqual(digest(secret), Option.isSome(stored) ? stored.value.digest : decoy)
  if (Option.isNone(client)) return yield* refuse("UnknownClient")
  if (client.value.state === "Disabled") return yield* refuse("Disabled")
  if (!Client.hasSecret(client.value)) return yield* refuse("WrongMethod")
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
const byHeader = (find: Find, reading: BasicCredentials.IdAndSecret): Authenticated =>
  Redacted.value(reading.secret) === "" ? byId(find, reading.clientId) : bySecret(find, "client_secret_basic", reading)

/** Returns every reading of the header: some clients form-encode it, as the RFC requires, and many send it raw. */
const readBasic = (
  presented: Presented
): Either.Either<ReadonlyArray<BasicCredentials.IdAndSecret> | undefined, InvalidRequest | InvalidClient> => {
  const readings = BasicCredentials.read(presented.headers.authorization ?? "")
  if (Either.isLeft(readings) || readings.right === undefined) return readings
  const clientId = Parameters.first(presented.parameters, "client_id")
  if (clientId === undefined) return readings
  const agreeing = readings.right.filter((reading) => reading.clientId === clientId)
  return agreeing.length > 0 ? Either.right(agreeing) : Either.left(several)
}

const readPost = ({
  parameters
}: Presented): Either.Either<BasicCredentials.IdAndSecret | undefined, InvalidRequest> => {
  const secret = Parameters.first(parameters, "client_secret")
  if (secret === undefined) return Either.right(undefined)
  const clientId = Parameters.first(parameters, "client_id")
  return clientId === undefined
    ? Either.left(Parameters.missing("client_id"))
    : Either.right({ clientId, secret: Redacted.make(secret) })
}

/** Returns each id and secret that a request may mean; empty if it has no secret. */
export const readings = (
  presented: Presented
): Either.Either<ReadonlyArray<BasicCredentials.IdAndSecret>, InvalidRequest | InvalidClient> =>
  Either.flatMap(readBasic(presented), (basic) =>
    basic === undefined
      ? Either.map(readPost(presented), (post) => (post === undefined ? [] : [post]))
      : Either.right(basic)
  )

const basicAttempt =
  ([first, ...others]: ReadonlyArray<BasicCredentials.IdAndSecret>): Attempt =>
  (find) =>
    first === undefined
      ? refuse("MalformedCredentials")
      : others.reduce(
          (tried, reading) => Effect.catchTag(tried, "InvalidClient", () => byHeader(find, reading)),
          byHeader(find, first)
        )

/** Registers the three methods. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { register } = yield* AuthMethods
    yield* register({
      name: "none",
      read: ({ parameters }) => {
        const clientId = Parameters.first(parameters, "client_id")
        return Either.right(clientId === undefined ? undefined : (find) => byId(find, clientId))
      }
    })
    yield* register({
      name: "client_secret_basic",
      scheme: "Basic",
      read: (presented) =>
        Either.map(readBasic(presented), (readings) => (readings === undefined ? undefined : basicAttempt(readings)))
    })
    yield* register({
      name: "client_secret_post",
      read: (presented) =>
        Either.map(readPost(presented), (reading) =>
          reading === undefined ? undefined : (find) => bySecret(find, "client_secret_post", reading)
        )
    })
  })
)
