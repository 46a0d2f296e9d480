/** Grants as operators see them: their status and their history, which answers "why was I logged out?". */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Stream from "effect/Stream"
import type { Event, EventKind } from "../../domain/Event.js"
import * as Grant from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import * as Spans from "../Spans.js"
import { EventLog } from "../stores/EventLog.js"
import { GrantStore } from "../stores/GrantStore.js"
import * as Lists from "../stores/Lists.js"

export class GrantHistory extends Context.Tag("latchkey/GrantHistory")<
  GrantHistory,
  {
    readonly find: Context.Tag.Service<GrantStore>["find"]
    /** Returns a page of grants, the oldest first. */
    readonly list: Context.Tag.Service<GrantStore>["list"]
    /** Returns the grant's status. A raised epoch revokes a grant before its row says so. */
    readonly status: (grant: Grant.Grant) => Effect.Effect<Grant.Status, TemporarilyUnavailable>
    /** Returns the entries of the grant's history in order: of each day's refreshes the first one, and the last refresh. */
    readonly entries: (grant: Grant.Grant) => Effect.Effect<ReadonlyArray<Event>, TemporarilyUnavailable>
  }
>() {}

/** Entries from the grant's own row. Its events may be deleted, not written yet, or not stored. */
const facts = (grant: Grant.Grant): ReadonlyArray<Event> => {
  const { approvedAt, clientId, granted, id, subject } = grant.terms
  const ids = { grantId: id, subject, clientId }
  const fact = (at: DateTime.Utc, kind: EventKind): Event => ({ id: "", at, kind })
  return [
    fact(approvedAt, { _tag: "Allowed", ...ids, scope: Scope.format(ResourceScopes.scope(granted)) }),
    ...Option.match(Grant.redeemedAt(grant), {
      onNone: () => [],
      onSome: (at) => [fact(at, { _tag: "Redeemed", ...ids })]
    }),
    ...(Grant.isRefreshable(grant) && grant.chain.value.generation > 1
      ? [fact(grant.chain.value.rotatedAt, { _tag: "Refreshed", ...ids, generation: grant.chain.value.generation })]
      : []),
    ...(grant._tag === "Revoked" ? [fact(grant.revokedAt, { _tag: "Revoked", ...ids, reason: grant.reason })] : [])
  ]
}

const byTime = Order.mapInput(Order.number, ({ at }: Event) => at.epochMillis)

/** Identifies an entry: a history has one entry of each kind, and one of each refresh. */
const keyOf = (kind: EventKind): string => (kind._tag === "Refreshed" ? `${kind._tag} ${kind.generation}` : kind._tag)

const make = Effect.gen(function* () {
  const grants = yield* GrantStore
  const log = yield* EventLog

  return GrantHistory.of({
    find: grants.find,
    list: grants.list,
    status: Spans.fn("GrantHistory.status")(function* (grant) {
      Spans.annotate({ grantId: grant.terms.id })
      const now = yield* DateTime.now
      const status = Grant.statusAt(now)(grant)
      if (status !== "Active") return status
      return Option.isSome(yield* grants.findActive(grant.terms.id, now, Option.none())) ? status : "Revoked"
    }),
    entries: Spans.fn("GrantHistory.entries")(function* (grant) {
      Spans.annotate({ grantId: grant.terms.id })
      const stored = yield* Stream.runCollect(Lists.events({ grantId: grant.terms.id })).pipe(
        Effect.provideService(EventLog, log)
      )
      const entries = Array.from(stored)
      const keys = new Set(entries.map(({ kind }) => keyOf(kind)))
      return [...entries, ...facts(grant).filter(({ kind }) => !keys.has(keyOf(kind)))].sort(byTime)
    })
  })
})

export const layer = Layer.effect(GrantHistory, make)
