/** Initial access tokens in memory. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import { endOf, standing } from "../../domain/InitialAccessToken.js"
import type { InitialAccessTokenStore } from "../../services/stores/InitialAccessTokenStore.js"
import * as Rows from "./Rows.js"

export const make = ({ initialAccessTokens: tokens }: Rows.Rows): Context.Tag.Service<InitialAccessTokenStore> => ({
  insert: (token, digest) =>
    Effect.suspend(() => {
      if (tokens.has(token.id)) return Rows.taken("initial access token")
      tokens.set(token.id, { token, digest })
      return Effect.void
    }),
  find: (digest) =>
    Effect.sync(() => {
      for (const row of tokens.values()) if (row.digest === digest) return Option.some(row.token)
      return Option.none()
    }),
  spend: (id, now) =>
    Effect.sync(() => {
      const row = tokens.get(id)
      if (row === undefined || standing(row.token, now) !== "Valid") return false
      tokens.set(id, { ...row, token: { ...row.token, uses: row.token.uses + 1, usedAt: Option.some(now) } })
      return true
    }),
  list: (page) =>
    Effect.sync(() => {
      const after = page.after === undefined ? {} : { after: { id: page.after } }
      const order = Order.mapInput(Order.string, ({ id }: { readonly id: string }) => id)
      const all = Array.from(tokens.values(), ({ token }) => token)
      return Rows.page<{ readonly id: string }, (typeof all)[number]>(all, order, { ...after, limit: page.limit })
    }),
  remove: (id) => Effect.sync(() => tokens.delete(id)),
  prune: (before, limit) =>
    Effect.sync(() => Rows.prune(tokens, ({ token }) => Option.getOrUndefined(endOf(token)), before, limit))
})
