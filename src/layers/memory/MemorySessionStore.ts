/** Login sessions in memory. */
import type * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import type { Session } from "../../domain/Session.js"
import * as Time from "../../domain/Time.js"
import type { SessionStore } from "../../services/stores/SessionStore.js"
import * as Rows from "./Rows.js"

const byLogin = Rows.byTime<Session>(
  ({ authenticatedAt }) => authenticatedAt,
  ({ id }) => id
)

export const make = (rows: Rows.Rows): Context.Tag.Service<SessionStore> => {
  const { sessions } = rows

  const isValid = (session: Session, now: DateTime.Utc): boolean =>
    Time.isBefore(now, session.expiresAt) && session.subjectEpoch === Rows.subjectEpoch(rows, session.subject)

  return {
    insert: (session) =>
      Effect.suspend(() => {
        const ids = new Set(Array.from(sessions.values(), ({ id }) => id))
        if (ids.has(session.id) || sessions.has(session.digest)) return Rows.taken("session")
        sessions.set(session.digest, session)
        return Effect.void
      }),
    find: (digest, now) =>
      Effect.sync(() => Option.filter(Option.fromNullable(sessions.get(digest)), (session) => isValid(session, now))),
    list: (subject, now) =>
      Effect.sync(() =>
        Array.from(sessions.values())
          .filter((session) => session.subject === subject && isValid(session, now))
          .sort(Order.reverse(byLogin))
      ),
    prune: (before, limit) => Effect.sync(() => Rows.prune(sessions, ({ expiresAt }) => expiresAt, before, limit)),
    end: (id) =>
      Effect.sync(() => {
        const session = Array.from(sessions.values()).find((session) => session.id === id)
        return session !== undefined && sessions.delete(session.digest)
      })
  }
}
