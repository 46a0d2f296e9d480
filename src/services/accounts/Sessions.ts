/** Login sessions. A session begins at a login, is carried by a cookie, and ends by a logout or by expiry. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Account, Subject } from "../../domain/Account.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { type Session, SessionId } from "../../domain/Session.js"
import { Events } from "../events/Events.js"
import { identify } from "../events/Origin.js"
import { digest, identifier, randomSecret } from "../keys/Crypto.js"
import * as ServerClock from "../ServerClock.js"
import { ServerSettings } from "../ServerSettings.js"
import * as Spans from "../Spans.js"
import { AccountStore } from "../stores/AccountStore.js"
import { SessionStore } from "../stores/SessionStore.js"
import * as LoginNetworks from "./LoginNetworks.js"

/** A session and its account. The session may be the app's own: then no row of it is stored here. */
export interface LoggedIn {
  readonly session: Pick<Session, "id" | "subject" | "authenticatedAt" | "subjectEpoch"> &
    Partial<Pick<Session, "browser" | "sealedNetwork">>
  readonly account: Account
  /** The name that pages show. */
  readonly displayName: string
}

/** The origin of a login. Users distinguish their sessions by it. */
export interface LoginSource {
  /** The name of the browser (`BrowserName`); `None` if it is not known. */
  readonly browser: Option.Option<string>
  /** The narrowest known network: an IPv4 address, or a /64 of IPv6; `None` if it is not known. */
  readonly network: Option.Option<string>
}

/** A session as its user sees it. */
export interface ListedSession extends LoginSource {
  readonly session: Session
}

export class Sessions extends Context.Tag("latchkey/Sessions")<
  Sessions,
  {
    /** Begins a session for a user who has just logged in. Returns it with the secret for the browser's cookie. */
    readonly begin: (
      account: Account,
      source: LoginSource
    ) => Effect.Effect<{ readonly session: Session; readonly secret: Redacted.Redacted }, TemporarilyUnavailable>
    /** Returns the session of a cookie and its account; `None` for a cookie without a session. */
    readonly find: (secret: Redacted.Redacted) => Effect.Effect<Option.Option<LoggedIn>, TemporarilyUnavailable>
    /** Returns the sessions of an account, the newest login first. */
    readonly list: (subject: Subject) => Effect.Effect<ReadonlyArray<ListedSession>, TemporarilyUnavailable>
    readonly end: (session: Pick<Session, "id" | "subject">) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const sessions = yield* SessionStore
  const accounts = yield* AccountStore
  const events = yield* Events
  const networks = yield* LoginNetworks.make
  const { lifetimes } = yield* ServerSettings

  return Sessions.of({
    begin: Spans.fn("Sessions.begin")(function* (account, { browser, network }) {
      Spans.annotate({ subject: account.id })
      const now = yield* DateTime.now
      const secret = yield* randomSecret()
      const id = SessionId.make(yield* identifier)
      const session: Session = {
        id,
        digest: digest(secret),
        subject: account.id,
        authenticatedAt: now,
        expiresAt: DateTime.addDuration(now, lifetimes.session),
        subjectEpoch: account.epoch,
        browser,
        sealedNetwork: yield* Effect.transposeMapOption(network, (network) => networks.seal(id, network))
      }
      yield* sessions.insert(session)
      identify({ _tag: "Person", subject: account.id, sessionId: session.id })
      yield* events.publish({ _tag: "LoggedIn", subject: account.id, sessionId: session.id })
      return { session, secret }
    }),
    find: Spans.fn("Sessions.find")(function* (secret) {
      const session = yield* sessions.find(digest(secret), yield* ServerClock.now)
      if (Option.isNone(session)) return Option.none()
      Spans.annotate({ subject: session.value.subject })
      const account = yield* accounts.find(session.value.subject)
      return Option.map(account, (account) => ({
        session: session.value,
        account,
        displayName: account.username
      }))
    }),
    list: Spans.fn("Sessions.list")(function* (subject) {
      Spans.annotate({ subject })
      const all = yield* sessions.list(subject, yield* DateTime.now)
      return all.map((session) => ({
        session,
        browser: session.browser,
        network: Option.flatMap(session.sealedNetwork, (sealed) => networks.open(session.id, sealed))
      }))
    }),
    end: Spans.fn("Sessions.end")(function* ({ id, subject }) {
      Spans.annotate({ subject })
      const isNew = yield* sessions.end(id)
      if (isNew) yield* events.publish({ _tag: "LoggedOut", subject, sessionId: id })
    })
  })
})

export const layer = Layer.effect(Sessions, make)
