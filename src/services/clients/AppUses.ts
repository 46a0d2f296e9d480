/**
 * When a person first allowed an app what it may do now, and when the app last got a token for it: read from the grants, so
 * nothing is written for it (ADR 36).
 */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Consent } from "../../domain/Consent.js"
import * as Grant from "../../domain/Grant.js"
import { GrantStore } from "../stores/GrantStore.js"
import * as Paging from "../stores/Paging.js"

/** The times of an app of one person. */
export interface AppUse {
  /** The earliest time at which the app is known to have been allowed something under its consent. */
  readonly allowedSince: DateTime.Utc
  /** The time of the last token; `None` where it is not known. An access token in use is not seen. */
  readonly lastUsedAt: Option.Option<DateTime.Utc>
}

/** The time of the last token of a grant; `None` where it never had one. */
const lastTokenAt = (grant: Grant.Grant): Option.Option<DateTime.Utc> =>
  Grant.isRefreshable(grant) ? Option.some(grant.chain.value.rotatedAt) : Grant.redeemedAt(grant)

/**
 * For each consent of a person, the times of its app. Grants under an earlier epoch of the consent do not count. One page of
 * the person's grants is read, the oldest first; where it is full there may be more, and no last use is known.
 */
export const of = (subject: Consent["subject"]) =>
  Effect.gen(function* () {
    const grants = yield* Effect.flatMap(GrantStore, (store) => store.list({ subject }, { limit: Paging.size }))
    const isWhole = grants.length < Paging.size
    const byClient = Arr.groupBy(grants, ({ terms }) => terms.clientId)
    return ({ clientId, epoch, updatedAt }: Consent): AppUse => {
      const own = (byClient[clientId] ?? []).filter(({ terms }) => terms.epochs.consent === epoch)
      const tokens = isWhole ? own.flatMap((grant) => Option.toArray(lastTokenAt(grant))) : []
      return {
        allowedSince: own.reduce((since, { terms }) => DateTime.min(since, terms.approvedAt), updatedAt),
        lastUsedAt: Arr.isNonEmptyArray(tokens) ? Option.some(Arr.max(tokens, DateTime.Order)) : Option.none()
      }
    }
  })
