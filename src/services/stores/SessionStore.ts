/** Where login sessions are kept. */
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
    /** Keep a session with all that it holds: `find` and `list` answer with it as it was inserted. */
    readonly insert: (session: Session) => Effect.Effect<void, TemporarilyUnavailable>
    /** The session of a cookie: not ended, `now < expiresAt`, and its account's epoch as it was at login. */
    readonly find: (digest: Digest, now: DateTime.Utc) => Effect.Effect<Option.Option<Session>, TemporarilyUnavailable>
    /** The sessions of a person that `find` would find, the newest first. */
    readonly list: (
      subject: Subject,
      now: DateTime.Utc
    ) => Effect.Effect<ReadonlyArray<Session>, TemporarilyUnavailable>
    /** Forget at most `limit` sessions that expired before an instant; how many it were. */
    readonly prune: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
    /** End a session for good. `true` for the one caller whose call did it; ending it again is no error. */
    readonly end: (id: SessionId) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}
