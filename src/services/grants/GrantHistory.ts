/** What became of a grant, for whoever asks "why was I logged out?". */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Stream from "effect/Stream"
import type { Event, EventKind } from "../../domain/Event.js"
import * as Grant from "../../domain/Grant.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import { GrantStore } from "../stores/GrantStore.js"
import * as Lists from "../stores/Lists.js"

/** How a grant stands: one whose account, client or consent was taken back is dead, whatever its own row says yet. */
export const standing = Effect.fn("GrantHistory.standing")(function* (grant: Grant.Grant) {
  yield* Effect.annotateCurrentSpan({ grantId: grant.terms.id })
  const now = yield* DateTime.now
  const state = Grant.statusAt(now)(grant)
  if (state !== "Active") return state
  const active = yield* (yield* GrantStore).findActive(grant.terms.id, now, Option.none())
  return Option.isSome(active) ? state : "Revoked"
})

/** What the grant itself says, where its events were deleted in the meantime, are still to be written, or are not kept. */
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

/** Of one name there is one thing in the life of a grant. */
const nameOf = (kind: EventKind): string => (kind._tag === "Refreshed" ? `${kind._tag} ${kind.generation}` : kind._tag)

/** All that happened to a grant, in order; of a day's refreshes the first, and the very last. */
export const events = Effect.fn("GrantHistory.events")(function* (grant: Grant.Grant) {
  yield* Effect.annotateCurrentSpan({ grantId: grant.terms.id })
  const events = Array.from(yield* Stream.runCollect(Lists.events({ grantId: grant.terms.id })))
  const told = new Set(events.map(({ kind }) => nameOf(kind)))
  return [...events, ...facts(grant).filter(({ kind }) => !told.has(nameOf(kind)))].sort(byTime)
})
