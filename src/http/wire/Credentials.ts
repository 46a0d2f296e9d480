/** The client credentials of a request (RFC 6749 §2.3.1), which uses at most one method. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
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
): Effect.Effect<ClientCredentials, InvalidRequest | InvalidClient> =>
  Effect.gen(function* () {
    const readings = yield* AuthorizationHeader.basic(request)
    const clientId = yield* Parameters.single(parameters, "client_id")
    const secret = yield* Parameters.single(parameters, "client_secret")

    if (Option.isSome(readings)) {
      const agreeing = Option.match(clientId, {
        onNone: () => readings.value,
        onSome: (id) => readings.value.filter((reading) => reading.clientId === id)
      })
      if (Option.isSome(secret) || agreeing.length === 0) {
        return yield* new InvalidRequest({
          reason: "SeveralCredentials",
          description: "the client authenticates by more than one method"
        })
      }
      return ClientCredentials.Basic({ readings: agreeing })
    }
    if (AuthorizationHeader.isPresent(request)) {
      return yield* new InvalidClient({ reason: "MalformedCredentials", description: "client authentication failed" })
    }
    if (Option.isNone(clientId)) {
      return Option.isSome(secret)
        ? yield* Parameters.missing("client_id")
        : yield* new InvalidClient({ reason: "MissingCredentials", description: "the request names no client" })
    }
    return Option.isSome(secret)
      ? ClientCredentials.Post({ clientId: clientId.value, secret: Redacted.make(secret.value) })
      : ClientCredentials.None({ clientId: clientId.value })
  })
