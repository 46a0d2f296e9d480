/**
 * Effects that each server runs once, such as a warning that any request can cause: its log does not fill with them. Two
 * servers of one process each run theirs.
 *
 * @example
 * const onceForProxy = OncePerServer.make()
 *
 * const warn = (settings: Settings) => onceForProxy(settings, Effect.logWarning("the proxy sends no addresses"))
 */
import * as Effect from "effect/Effect"
import type { Settings } from "../../domain/Settings.js"

/** Runs an effect, unless one was run for this server before. A server is known by the object of its settings. */
export type OncePerServer = (settings: Settings, effect: Effect.Effect<void>) => Effect.Effect<void>

/** Makes one that has run nothing yet. */
export const make = (): OncePerServer => {
  const done = new WeakSet<Settings>()
  return (settings, effect) =>
    Effect.suspend(() => {
      if (done.has(settings)) return Effect.void
      done.add(settings)
      return effect
    })
}
