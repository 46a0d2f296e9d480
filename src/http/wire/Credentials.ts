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
): Either.Either<ClientCredentials, InvalidRequest | InvalidClient> => {
  const [clientIds, secrets] = [Parameters.all(parameters, "client_id"), Parameters.all(parameters, "client_secret")]
  const readings = AuthorizationHeader.basic(request)
  if (Either.isLeft(readings)) return Either.left(readings.left)
  if (clientIds.length > 1) return Either.left(Parameters.repeated("client_id"))
  if (secrets.length > 1) return Either.left(Parameters.repeated("client_secret"))
  const [[clientId], [secret]] = [clientIds, secrets]

  if (Option.isSome(readings.right)) {
    const all = readings.right.value
    const agreeing = clientId === undefined ? all : all.filter((reading) => reading.clientId === clientId)
    return secret !== undefined || agreeing.length === 0
      ? Either.left(several)
      : Either.right(ClientCredentials.Basic({ readings: agreeing }))
  }
  if (AuthorizationHeader.isPresent(request)) return Either.left(malformed)
  if (clientId === undefined) return Either.left(secret === undefined ? noClient : Parameters.missing("client_id"))
  return Either.right(
    secret === undefined
      ? ClientCredentials.None({ clientId })
      : ClientCredentials.Post({ clientId, secret: Redacted.make(secret) })
  )
}

const several = new InvalidRequest({
  reason: "SeveralCredentials",
  description: "the client authenticates by more than one method"
})

const malformed = new InvalidClient({ reason: "MalformedCredentials", description: "client authentication failed" })

const noClient = new InvalidClient({ reason: "MissingCredentials", description: "the request names no client" })
