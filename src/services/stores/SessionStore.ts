/** Stores login sessions. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Subject } from "../../domain/Account.js"
import type { Digest } from "../../domain/Digest.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Session, SessionId } from "../../domain/Session.js"

export class SessionStore extends Context.Tag("latchkey/SessionStore")<
  SessionStore,
  {
    /** Store a session. `find` and `list` return it as it was inserted. */
    readonly insert: (session: Session) => Effect.Effect<void, TemporarilyUnavailable>
    /** Returns the session of a cookie if it has not ended, `now < expiresAt`, and its account still has the epoch of the login. */
    readonly find: (digest: Digest, now: DateTime.Utc) => Effect.Effect<Option.Option<Session>, TemporarilyUnavailable>
    /** Returns the sessions of a subject that `find` would return, the newest first. */
    readonly list: (
      subject: Subject,
      now: DateTime.Utc
    ) => Effect.Effect<ReadonlyArray<Session>, TemporarilyUnavailable>
    /** Delete at most `limit` sessions that expired before an instant. Returns their number. */
    readonly prune: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
    /** End a session for ever. The one caller whose call ended it sees `true`. A second call is no error. */
    readonly end: (id: SessionId) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}
