/** Verifies the access token of a request to a guarded route. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { InvalidToken, TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { ResourceIndicator } from "../../domain/Resource.js"
import * as Locally from "../Locally.js"
import { ServerClock } from "../ServerClock.js"
import { AccessTokens } from "./AccessTokens.js"
import type { Access } from "./CurrentAccess.js"

export class TokenVerifier extends Context.Tag("latchkey/TokenVerifier")<
  TokenVerifier,
  {
    /** Returns the access that the token gives at the resource. A fault of the server is never an `InvalidToken`. */
    readonly verify: (
      token: Redacted.Redacted,
      resource: ResourceIndicator
    ) => Effect.Effect<Access, InvalidToken | TemporarilyUnavailable>
    /** As `verify`, without an effect; `undefined` if only `verify` can tell. It runs on every guarded request. */
    readonly peek?: ((token: Redacted.Redacted, resource: ResourceIndicator) => Access | undefined) | undefined
  }
>() {}

/** Verifies tokens with the stores of this server, and on its clock: an app may verify a token outside a request. */
export const layerLocal = Layer.effect(
  TokenVerifier,
  Effect.map(Effect.all([AccessTokens, ServerClock]), ([{ peek, verify }, clock]) =>
    TokenVerifier.of({
      verify: (token, resource) => Locally.withClock(verify(token, resource), clock),
      peek: (token, resource) => peek(token, resource, clock.unsafeCurrentTimeMillis())
    })
  )
)
