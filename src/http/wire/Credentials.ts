/** The client credentials of a request (RFC 6749 §2.3.1), which uses at most one method. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { InvalidClient, InvalidRequest } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import { ClientCredentials } from "../../services/clients/ClientAuthenticator.js"
import * as AuthorizationHeader from "./AuthorizationHeader.js"

/** Reads the credentials from the header and the body. Refuses a request that uses two methods. */
export const read = (
  request: HttpServerRequest.HttpServerRequest,
  parameters: Parameters.Parameters
): Either.Either<ClientCredentials, InvalidRequest | InvalidClient> =>
  Either.gen(function* () {
    const readings = yield* AuthorizationHeader.basic(request)
    const clientId = yield* Parameters.single(parameters, "client_id")
    const secret = yield* Parameters.single(parameters, "client_secret")

    if (Option.isSome(readings)) {
      const agreeing = Option.match(clientId, {
        onNone: () => readings.value,
        onSome: (id) => readings.value.filter((reading) => reading.clientId === id)
      })
      if (Option.isSome(secret) || agreeing.length === 0) return yield* Either.left(several)
      return ClientCredentials.Basic({ readings: agreeing })
    }
    if (AuthorizationHeader.isPresent(request)) return yield* Either.left(malformed)
    if (Option.isNone(clientId)) {
      return yield* Either.left(Option.isSome(secret) ? Parameters.missing("client_id") : nobody)
    }
    return Option.isSome(secret)
      ? ClientCredentials.Post({ clientId: clientId.value, secret: Redacted.make(secret.value) })
      : ClientCredentials.None({ clientId: clientId.value })
  })

const several = new InvalidRequest({
  reason: "SeveralCredentials",
  description: "the client authenticates by more than one method"
})

const malformed = new InvalidClient({ reason: "MalformedCredentials", description: "client authentication failed" })

const nobody = new InvalidClient({ reason: "MissingCredentials", description: "the request names no client" })
