/** Validates authorization requests (RFC 6749 §4.1.1, OAuth 2.1 §4.1.1). */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  type AuthorizationRefused,
  AuthorizationRejected,
  type AuthorizationRequest
} from "../../domain/AuthorizationRequest.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type * as Parameters from "../../domain/Parameters.js"
import { Resources } from "../resources/Resources.js"
import * as Spans from "../Spans.js"
import * as AuthorizationChecks from "./AuthorizationChecks.js"
import * as ReplyAddresses from "./ReplyAddresses.js"

export class AuthorizationRequests extends Context.Tag("latchkey/AuthorizationRequests")<
  AuthorizationRequests,
  {
    /**
     * Validates a request. Fails with `AuthorizationRefused` until its client and redirect URI are known to be good, and
     * with `AuthorizationRejected` afterwards.
     */
    readonly validate: (
      parameters: Parameters.Parameters
    ) => Effect.Effect<AuthorizationRequest, AuthorizationRefused | AuthorizationRejected | TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const replyAddress = yield* ReplyAddresses.make
  const resources = yield* Resources
  return AuthorizationRequests.of({
    validate: Spans.fn("AuthorizationRequests.validate")(function* (parameters) {
      const replyTo = yield* replyAddress(parameters)
      Spans.annotate({ clientId: replyTo.client.id })
      return yield* Effect.mapError(
        AuthorizationChecks.check(parameters, replyTo, yield* resources.all),
        (error) => new AuthorizationRejected({ replyTo, error })
      )
    })
  })
})

export const layer = Layer.effect(AuthorizationRequests, make)
