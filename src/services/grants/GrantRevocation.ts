/**
 * Revokes grants, and withdraws the consents that allowed them.
 *
 * Each verb first raises an epoch, after which nothing issued under the earlier one is valid, and then marks the rows, so that
 * each row says why it ended (design §3). There may be many rows: they are marked in batches. Each verb runs to its end
 * also when the caller is interrupted.
 *
 * After an error of the store, or the end of the process, some rows may not be marked yet. The same call continues.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Subject } from "../../domain/Account.js"
import type { ClientId } from "../../domain/Client.js"
import type { GrantId, RevocationReason } from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { Events } from "../events/Events.js"
import * as Spans from "../Spans.js"
import { ClientStore } from "../stores/ClientStore.js"
import { ConsentStore } from "../stores/ConsentStore.js"
import { emptyFilter, GrantStore, isEverybody, type RevocationFilter } from "../stores/GrantStore.js"
import * as Lists from "../stores/Lists.js"
import * as BulkRevocation from "./BulkRevocation.js"
import * as RunToEnd from "./RunToEnd.js"

export class GrantRevocation extends Context.Tag("latchkey/GrantRevocation")<
  GrantRevocation,
  {
    /**
     * Revokes one grant, for the operator if no other reason is given. Returns `None` for an unknown grant, `false` for one that
     * was revoked before.
     */
    readonly revoke: (
      id: GrantId,
      reason?: RevocationReason
    ) => Effect.Effect<Option.Option<boolean>, TemporarilyUnavailable>
    /**
     * Revokes all grants of an account, a client, both, or everybody for the operator. Returns the number of grants that
     * this call revoked. It withdraws the consents too, so the consent page is shown again. For a client or everybody it
     * also ends the tokens that clients got for themselves.
     */
    readonly revokeAll: (filter: RevocationFilter) => Effect.Effect<number, TemporarilyUnavailable>
    /** Withdraws the user's consent to a client, and revokes the grants that the user made under it. */
    readonly withdraw: (subject: Subject, clientId: ClientId) => Effect.Effect<void, TemporarilyUnavailable>
    /**
     * Withdraws the consents and marks the grants of an account or a client, whose epoch the caller has raised. If it
     * fails, it logs `remedy`. The caller sees to it that it runs to its end.
     */
    readonly revokeEnded: (
      filter: { readonly subject: Subject } | { readonly clientId: ClientId },
      reason: RevocationReason,
      remedy?: string
    ) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}

/** Number of clients whose epochs are raised at the same time, for a store that commits writes in groups. */
const concurrency = 8

const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const consents = yield* ConsentStore
  const grants = yield* GrantStore
  const events = yield* Events
  const bulk = yield* BulkRevocation.make
  const runToEnd = yield* RunToEnd.make

  const publishRevoked = (grantId: GrantId, reason: RevocationReason) =>
    Effect.flatMap(
      grants.find(grantId),
      Option.match({
        onNone: () => Effect.void,
        onSome: ({ terms: { clientId, subject } }) =>
          events.publish({ _tag: "Revoked", grantId, subject, clientId, reason })
      })
    )

  /** Marks grants as revoked. Only the first of them have an event of their own; the row of each says why it ended. */
  const mark = Effect.fnUntraced(function* (filter: RevocationFilter, reason: RevocationReason) {
    const { count, first } = yield* bulk.grants(filter, reason)
    yield* Effect.forEach(first, (id) => publishRevoked(id, reason), { discard: true })
    return count
  })

  /** Raises the epochs of these grants, and withdraws the consents that allowed them. */
  const endEpochs = (filter: RevocationFilter): Effect.Effect<unknown, TemporarilyUnavailable> => {
    const { clientId, subject } = filter
    if (subject !== undefined) {
      return clientId === undefined ? bulk.withdraw({ subject }) : consents.withdraw(subject, clientId)
    }
    if (clientId !== undefined) return Effect.zipRight(clients.advanceEpoch(clientId), bulk.withdraw({ clientId }))
    if (!isEverybody(filter)) return Effect.die(emptyFilter())
    return Lists.clients.pipe(
      Stream.mapEffect(({ id }) => BulkRevocation.again(clients.advanceEpoch(id)), { concurrency }),
      Stream.runDrain,
      Effect.provideService(ClientStore, clients),
      Effect.zipRight(bulk.withdraw({ everybody: true }))
    )
  }

  return GrantRevocation.of({
    revoke: Spans.fn("GrantRevocation.revoke")(function* (grantId, reason = "OperatorRevoked") {
      const grant = yield* grants.find(grantId)
      if (Option.isNone(grant)) return Option.none()
      const { clientId, subject } = grant.value.terms
      Spans.annotate({ grantId, subject, clientId })
      const revoked = grants.revoke(grantId, reason, yield* DateTime.now)
      const publish = events.publish({ _tag: "Revoked", grantId, subject, clientId, reason })
      return Option.some(yield* runToEnd(RunToEnd.thenIfFound(revoked, publish)))
    }),
    revokeAll: Effect.fn("GrantRevocation.revokeAll")((filter) =>
      Effect.sync(() => Spans.annotate({ ...filter })).pipe(
        Effect.zipRight(runToEnd(Effect.zipRight(endEpochs(filter), mark(filter, "OperatorRevoked"))))
      )
    ),
    withdraw: Spans.fn("GrantRevocation.withdraw")(function* (subject, clientId) {
      Spans.annotate({ subject, clientId })
      const publish = events.publish({ _tag: "ConsentWithdrawn", subject, clientId })
      const withdrawn = RunToEnd.thenIfFound(consents.withdraw(subject, clientId), publish)
      yield* runToEnd(Effect.zipRight(withdrawn, mark({ subject, clientId }, "ConsentWithdrawn")))
    }),
    // Consents come first: a remembered consent would issue a new grant without a page.
    revokeEnded: (filter, reason, remedy = "Do the same again to continue") =>
      Effect.zipRight(bulk.withdraw(filter), mark(filter, reason)).pipe(
        Effect.onError(() =>
          Effect.logWarning(
            `revocation broke off: what was issued is invalid, but not yet marked as revoked. ${remedy}`
          )
        ),
        Effect.annotateLogs(filter),
        Effect.asVoid
      )
  })
})

export const layer = Layer.scoped(GrantRevocation, make)
