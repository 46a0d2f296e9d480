/** Leases in memory. */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { LeaseStore } from "../../services/stores/LeaseStore.js"
import type * as Rows from "./Rows.js"

export const make = ({ leases }: Rows.Rows): Context.Tag.Service<LeaseStore> => ({
  take: ({ holder, name }, { epochMillis: now }, length) =>
    Effect.sync(() => {
      const until = now + Duration.toMillis(length)
      const held = leases.get(name)
      const isFree =
        held === undefined ||
        held.holder === holder ||
        held.until <= now ||
        held.until > until + Duration.toMillis(length)
      if (isFree) leases.set(name, { holder, until })
      return isFree
    }),
  release: ({ holder, name }) =>
    Effect.sync(() => {
      if (leases.get(name)?.holder === holder) leases.delete(name)
    })
})
