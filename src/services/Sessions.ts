/** Login sessions: begun at a login, carried by a cookie, ended by logging out or by time. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Account } from "../domain/Account.js"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import { type Session, SessionId } from "../domain/Session.js"
import { AccountStore } from "./AccountStore.js"
import { digest, identifier, randomSecret } from "./Crypto.js"
import { Events } from "./Events.js"
import { identify } from "./Origin.js"
import { ServerSettings } from "./ServerSettings.js"
import { SessionStore } from "./SessionStore.js"

/** A session, and the person it is of. The session may be the app's own: then there is no row of it here. */
export interface LoggedIn {
  readonly session: Pick<Session, "id" | "subject" | "authenticatedAt" | "subjectEpoch">
  readonly account: Account
  /** What pages call the person. */
  readonly displayName: string
}

export class Sessions extends Context.Tag("latchkey/Sessions")<
  Sessions,
  {
    /** A new session of a person who has just proved who they are, and the secret for the browser's cookie. */
    readonly begin: (
      account: Account
    ) => Effect.Effect<{ readonly session: Session; readonly secret: Redacted.Redacted }, TemporarilyUnavailable>
    /** Who the bearer of a cookie is; `None` for a cookie that is no session's. */
    readonly find: (secret: Redacted.Redacted) => Effect.Effect<Option.Option<LoggedIn>, TemporarilyUnavailable>
    readonly end: (session: Pick<Session, "id" | "subject">) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const sessions = yield* SessionStore
  const accounts = yield* AccountStore
  const events = yield* Events
  const { lifetimes } = yield* ServerSettings

  return Sessions.of({
    begin: Effect.fn("Sessions.begin")(function* (account) {
      yield* Effect.annotateCurrentSpan({ subject: account.id })
      const now = yield* DateTime.now
      const secret = yield* randomSecret()
      const session: Session = {
        id: SessionId.make(yield* identifier),
        digest: digest(secret),
        subject: account.id,
        authenticatedAt: now,
        expiresAt: DateTime.addDuration(now, lifetimes.session),
        subjectEpoch: account.epoch
      }
      yield* sessions.insert(session)
      yield* identify({ _tag: "Person", subject: account.id, sessionId: session.id })
      yield* events.publish({ _tag: "LoggedIn", subject: account.id, sessionId: session.id })
      return { session, secret }
    }),
    find: Effect.fn("Sessions.find")(function* (secret) {
      const session = yield* sessions.find(digest(secret), yield* DateTime.now)
      if (Option.isNone(session)) return Option.none()
      yield* Effect.annotateCurrentSpan({ subject: session.value.subject })
      const account = yield* accounts.find(session.value.subject)
      return Option.map(account, (account) => ({
        session: session.value,
        account,
        displayName: account.username
      }))
    }),
    end: Effect.fn("Sessions.end")(function* ({ id, subject }) {
      yield* Effect.annotateCurrentSpan({ subject })
      const isNew = yield* sessions.end(id)
      if (isNew) yield* events.publish({ _tag: "LoggedOut", subject, sessionId: id })
    })
  })
})

export const layer = Layer.effect(Sessions, make)
