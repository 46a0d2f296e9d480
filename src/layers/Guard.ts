/**
 * The guard alone, as one function, for those who want nothing else: the authorization server is another process on the
 * same storage, such as `latchkey serve`.
 *
 * @example
 * const guard = makeGuard(
 *   { issuer: "https://auth.example.com", resources: [], resource: "https://api.example.com/", scopes: ["notes:read"] },
 *   SqliteStore.layer({ filename: "auth.db" })
 * )
 * const { access, response } = await guard(request)
 * if (response) return response
 */
import * as Layer from "effect/Layer"
import type { Storage } from "../services/Storage.js"
import * as AuthLayer from "./AuthLayer.js"
import * as RestartingRuntime from "./RestartingRuntime.js"
import type { SettingsOptions } from "./SettingsOptions.js"
import { type CheckRequest, type GuardOptions, guards } from "./WebHandler.js"

export type { Access, Checked, CheckRequest, GuardedRequest, GuardOptions } from "./WebHandler.js"

/** A guard with services of its own. */
export interface GuardFunction extends CheckRequest {
  /** Closes the storage. */
  readonly dispose: () => Promise<void>
}

/** Makes a guard; its services start with the first request, and again with the next one after a start that failed. */
export const makeGuard = <E>(
  options: SettingsOptions & GuardOptions,
  storage: Layer.Layer<Storage, E>
): GuardFunction => {
  const runtime = RestartingRuntime.make(Layer.fresh(Layer.provide(AuthLayer.layerServices(options), storage)))
  return Object.assign(guards(runtime)(options), { dispose: () => runtime.dispose() })
}
