/** Revoked tokens in memory. */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { RevokedTokenStore } from "../../services/stores/RevokedTokenStore.js"
import * as Rows from "./Rows.js"

export const make = ({ revokedTokens }: Rows.Rows): Context.Tag.Service<RevokedTokenStore> => ({
  insert: (id, expiresAt) =>
    Effect.sync(() => {
      const isNew = !revokedTokens.has(id)
      revokedTokens.set(id, DateTime.max(expiresAt, revokedTokens.get(id) ?? expiresAt))
      return isNew
    }),
  prune: (before, limit) => Effect.sync(() => Rows.prune(revokedTokens, (expiresAt) => expiresAt, before, limit)),
  has: (id) => Effect.sync(() => revokedTokens.has(id))
})
