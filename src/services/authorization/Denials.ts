/** Denied consent pages. A denial is stored until the page expires, so that a later or concurrent Allow makes no grant. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { TokenId } from "../../domain/AccessToken.js"
import type { GrantId } from "../../domain/Grant.js"
import { ServerSettings } from "../ServerSettings.js"
import { GrantStore } from "../stores/GrantStore.js"
import { RevokedTokenStore } from "../stores/RevokedTokenStore.js"

/** The key of a denied page's grant among the revoked tokens. */
const key = (grantId: GrantId) => TokenId.make(`denied:${grantId}`)

/** Denies pages, and finds the denied ones. */
export const make = Effect.gen(function* () {
  const grants = yield* GrantStore
  const revokedTokens = yield* RevokedTokenStore
  const { lifetimes } = yield* ServerSettings
  return {
    /** Whether the page that offered a grant was denied. */
    has: (grantId: GrantId) => revokedTokens.has(key(grantId)),
    /**
     * Denies a page and revokes its grant; returns whether this changed anything. The denial is stored before the grant is
     * revoked, and an Allow looks for it after it has made the grant: whichever is faster, no grant stays alive.
     */
    add: Effect.fnUntraced(function* (grantId: GrantId) {
      const now = yield* DateTime.now
      const isNew = yield* revokedTokens.insert(key(grantId), DateTime.addDuration(now, lifetimes.form))
      const isRevoked = yield* grants.revoke(grantId, "Denied", now)
      return isNew || isRevoked
    })
  }
})
