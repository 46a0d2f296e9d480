/**
 * The guard alone, as one function, for those who want nothing else: the authorization server is another process on the
 * same storage, such as `latchkey serve`.
 *
 * @example
 * const guard = makeGuard(
 *   { issuer: "https://auth.example.com", resource: "https://api.example.com/", scopes: ["notes:read"] },
 *   SqliteStorage.layer({ filename: "auth.db" })
 * )
 * const { access, response } = await guard(request)
 * if (response) return response
 */
import * as Layer from "effect/Layer"
import type { Storage } from "../services/stores/Storage.js"
import * as AuthLayer from "./AuthLayer.js"
import type { SettingsOptions } from "./settings/SettingsOptions.js"
import { type CheckRequest, type GuardOptions, guards } from "./WebHandler.js"
import * as RestartingRuntime from "./wiring/RestartingRuntime.js"

export type { Access, Checked, CheckRequest, GuardedRequest, GuardOptions } from "./WebHandler.js"

/** A guard with services of its own. */
export interface GuardFunction extends CheckRequest {
  /** Closes the storage. */
  readonly dispose: () => Promise<void>
}

/** The settings of the server that issues the tokens, and what the guard asks for. */
export interface Options extends Omit<SettingsOptions, "resources">, GuardOptions {
  /**
   * The resources that the server declares in code: none if not given. Those of the storage are found without it, such as
   * those that `latchkey resource create` made.
   */
  readonly resources?: SettingsOptions["resources"] | undefined
}

/**
 * Makes a guard; its services start with the first request, and again with the next one after a start that failed. While
 * the guard's resource is neither in `resources` nor in the storage, each call rejects and says which there are.
 */
export const makeGuard = <E>(options: Options, storage: Layer.Layer<Storage, E>): GuardFunction => {
  const runtime = RestartingRuntime.make(
    Layer.fresh(Layer.provide(AuthLayer.layerServices({ ...options, resources: options.resources ?? [] }), storage))
  )
  return Object.assign(guards(runtime, { name: "makeGuard", mustExist: true })(options), {
    dispose: () => runtime.dispose()
  })
}
