/** Who is at the browser that sent a request. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AccessDenied, TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { SessionId } from "../../domain/Session.js"
import { Accounts } from "../../services/accounts/Accounts.js"
import { type LoggedIn, Sessions } from "../../services/accounts/Sessions.js"
import { identify } from "../../services/events/Origin.js"
import { digestOf } from "../../services/keys/Crypto.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Cookies from "./Cookies.js"
import { type Person, ResourceOwner } from "./ResourceOwner.js"

/**
 * The person who is logged in there, if anybody is. Fails for a person of the app's own who is locked out: to log in
 * would not help them, so they must not be sent to.
 */
export const loggedIn = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<
  Option.Option<LoggedIn>,
  AccessDenied | TemporarilyUnavailable,
  Accounts | ServerSettings | Sessions
> =>
  Effect.tap(find(request), (who) =>
    Option.match(who, {
      onNone: () => Effect.void,
      onSome: ({ session: { id, subject } }) => identify({ _tag: "Person", subject, sessionId: id })
    })
  )

const find = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.gen(function* () {
    const owner = yield* ResourceOwner
    if (owner._tag === "External") return yield* Effect.transposeMapOption(yield* owner.find(request), vouchedFor)
    const { issuer } = yield* ServerSettings
    const sessions = yield* Sessions
    return yield* Option.match(Cookies.read(request, issuer, "session"), {
      onNone: () => Effect.succeedNone,
      onSome: sessions.find
    })
  })

/** The app's session as one of ours, of which no row is kept. */
const vouchedFor = ({ authenticatedAt, displayName, sessionId, subject }: Person) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const { issuer } = yield* ServerSettings
    const account = yield* accounts.admit(subject)
    const loggedIn: LoggedIn = {
      session: {
        // The app's own id may open its session, so it goes no further.
        id: SessionId.make(digestOf(JSON.stringify([issuer, subject, sessionId]))),
        subject: account.id,
        authenticatedAt,
        subjectEpoch: account.epoch
      },
      account,
      displayName
    }
    return loggedIn
  })
