/** Who is at the browser that sent a request. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import { ServerSettings } from "../services/ServerSettings.js"
import { type LoggedIn, Sessions } from "../services/Sessions.js"
import * as Cookies from "./Cookies.js"

/** The person who is logged in there, if anybody is. */
export const loggedIn = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Option.Option<LoggedIn>, TemporarilyUnavailable, ServerSettings | Sessions> =>
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    const sessions = yield* Sessions
    return yield* Option.match(Cookies.read(request, issuer, "session"), {
      onNone: () => Effect.succeedNone,
      onSome: sessions.find
    })
  })
