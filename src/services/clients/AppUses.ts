/**
 * The time at which a user first allowed an app its present access, and the time of the app's last token. Both are read from
 * the grants, so nothing is stored for them (ADR 36).
 */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Consent } from "../../domain/Consent.js"
import * as Grant from "../../domain/Grant.js"
import { GrantStore } from "../stores/GrantStore.js"
import * as Paging from "../stores/Paging.js"

/** The times of one app of a user, and its installations. */
export interface AppUse {
  /** The living grants of an app that has a metadata document, the newest first; empty for every other app. */
  readonly installations: ReadonlyArray<Grant.Grant>
  /** The earliest known time at which the user allowed the app something under its consent. */
  readonly allowedSince: DateTime.Utc
  /** The time of the last token; `None` if it is not known. The use of an access token is not recorded. */
  readonly lastUsedAt: Option.Option<DateTime.Utc>
}

/** Returns the time of a grant's last token; `None` if it never had one. */
export const lastTokenAt = (grant: Grant.Grant): Option.Option<DateTime.Utc> =>
  Grant.isRefreshable(grant) ? Option.some(grant.chain.value.rotatedAt) : Grant.redeemedAt(grant)

/**
 * Returns a function from a consent of a user to the times of its app at `now`. Grants under an earlier epoch of the consent
 * do not count. It reads one page of the user's grants, the oldest first. If the page is full there may be more grants, and the last
 * use is not known.
 */
export const of = (subject: Consent["subject"], now: DateTime.Utc) =>
  Effect.gen(function* () {
    const grants = yield* Effect.flatMap(GrantStore, (store) => store.list({ subject }, { limit: Paging.size }))
    const isWhole = grants.length < Paging.size
    const byClient = Arr.groupBy(grants, ({ terms }) => terms.clientId)
    return ({ clientId, epoch, updatedAt }: Consent): AppUse => {
      const own = (byClient[clientId] ?? []).filter(({ terms }) => terms.epochs.consent === epoch)
      const installations = own.filter((grant) => Option.isSome(grant.terms.installation) && Grant.isAlive(grant, now))
      const tokens = isWhole ? own.flatMap((grant) => Option.toArray(lastTokenAt(grant))) : []
      return {
        installations: installations.reverse(),
        allowedSince: own.reduce((since, { terms }) => DateTime.min(since, terms.approvedAt), updatedAt),
        lastUsedAt: Arr.isNonEmptyArray(tokens) ? Option.some(Arr.max(tokens, DateTime.Order)) : Option.none()
      }
    }
  })
