/** The user who is logged in at the browser that sent a request. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
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
import { ResourceOwner, type User } from "./ResourceOwner.js"

/**
 * Returns the user who is logged in; `None` if none is. Fails for a user of the app's own login whose account is disabled
 * here: a login would not help, so the browser must not be redirected to it.
 */
export const loggedIn = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<
  Option.Option<LoggedIn>,
  AccessDenied | TemporarilyUnavailable,
  Accounts | ServerSettings | Sessions
> =>
  Effect.tap(find(request), (who) => {
    if (Option.isNone(who)) return
    const { id, subject } = who.value.session
    identify({ _tag: "Person", subject, sessionId: id })
  })

/** The session of the browser, here or at the app. */
const find = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.contextWithEffect((context: Context.Context<Accounts | ServerSettings | Sessions>) => {
    const owner = Context.get(context, ResourceOwner)
    if (owner._tag === "External") {
      return Effect.flatMap(owner.find(request), (user) => Effect.transposeMapOption(user, fromApp))
    }
    const { issuer } = Context.get(context, ServerSettings)
    return Option.match(Cookies.read(request, issuer, "session"), {
      onNone: () => Effect.succeedNone,
      onSome: Context.get(context, Sessions).find
    })
  })

/** The app's session as a session of this server, which no store holds. */
const fromApp = ({ authenticatedAt, displayName, sessionId, subject }: User) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const { issuer } = yield* ServerSettings
    const account = yield* accounts.admit(subject)
    const loggedIn: LoggedIn = {
      session: {
        // The app's id may be a credential for its session, so only a digest of it is used.
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
