/** Spent assertions in memory. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { SpentAssertionStore } from "../../services/stores/SpentAssertionStore.js"
import * as Rows from "./Rows.js"

export const make = ({ spentAssertions }: Rows.Rows): Context.Tag.Service<SpentAssertionStore> => ({
  spend: (id, expiresAt) =>
    Effect.sync(() => {
      if (spentAssertions.has(id)) return false
      spentAssertions.set(id, expiresAt)
      return true
    }),
  prune: (before, limit) => Effect.sync(() => Rows.prune(spentAssertions, (expiresAt) => expiresAt, before, limit))
})
