/**
 * Effects that each server runs once, such as a warning that any request can cause, so that they do not fill its log. Two
 * servers in one process each run it once.
 *
 * @example
 * import { Effect } from "effect"
 * import type { Settings } from "latchkey/Settings"
 * import * as OncePerServer from "./OncePerServer.js"
 *
 * const onceForProxy = OncePerServer.make()
 * const warn = (settings: Settings) => onceForProxy(settings, Effect.logWarning("the proxy sends no addresses"))
 */
import * as Effect from "effect/Effect"
import type { Settings } from "../../domain/Settings.js"

/** Runs an effect unless one was run for this server before. The object of its settings identifies a server. */
export type OncePerServer = (settings: Settings, effect: Effect.Effect<void>) => Effect.Effect<void>

/** Makes a function that has run no effect yet. */
export const make = (): OncePerServer => {
  const done = new WeakSet<Settings>()
  return (settings, effect) =>
    Effect.suspend(() => {
      if (done.has(settings)) return Effect.void
      done.add(settings)
      return effect
    })
}
