/**
 * The authorization server as a function from `Request` to `Response`, for any framework of the Fetch standard; and guards
 * for the routes of that framework, on the same services.
 *
 * @example
 * import * as SqliteStorage from "latchkey/SqliteStorage"
 * import * as WebHandler from "latchkey/WebHandler"
 *
 * const auth = WebHandler.make(
 *   {
 *     issuer: "https://notes.example.com",
 *     resources: [{ uri: "https://notes.example.com/notes", scopes: { "notes:read": "Read your notes" } }]
 *   },
 *   SqliteStorage.layer({ filename: "auth.db" })
 * )
 * const readNotes = auth.guard({ scopes: ["notes:read"] })
 *
 * export const fetch = async (request: Request, remoteAddress?: string): Promise<Response> => {
 *   if (new URL(request.url).pathname !== "/notes") return auth.handler(request, { remoteAddress })
 *   const { access, response } = await readNotes(request)
 *   return response ?? Response.json({ subject: access.subject })
 * }
 */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import type { Storage } from "../services/stores/Storage.js"
import * as AuthLayer from "./AuthLayer.js"
import { type CheckRequest, type GuardOptions, guards } from "./Guard.js"
import type { SettingsOptions } from "./settings/SettingsOptions.js"
import * as RestartingRuntime from "./wiring/RestartingRuntime.js"
import * as Routes from "./wiring/Routes.js"

export type { Access, Checked, CheckRequest, GuardedRequest, GuardOptions, MetadataRequest } from "./Guard.js"

/** The facts about a connection that a `Request` does not hold. */
export interface Connection {
  /**
   * The address of the peer, as its socket has it. Rate limits use it, and so does the detection of retries from another
   * network. Behind a proxy it is the address of the proxy; list that in `trustedProxies`, so that its `X-Forwarded-For`
   * counts. Never pass on an address that the request itself claims.
   */
  readonly remoteAddress?: string | undefined
}

/** A server without a socket. */
export interface WebHandler {
  readonly handler: (request: Request, connection?: Connection) => Promise<Response>
  /** A guard on the services of this server. */
  readonly guard: (options: GuardOptions) => CheckRequest
  /**
   * Starts the services and the guards, which the first request starts otherwise. Rejects if the settings or the options of a
   * guard are wrong, or if the storage does not open. After a failure the next call or request starts them again.
   */
  readonly ready: () => Promise<void>
  /** Closes the storage. */
  readonly dispose: () => Promise<void>
}

type Services = AuthLayer.AuthServices

const withConnection = <A, E, R>(handler: Effect.Effect<A, E, R>, { remoteAddress }: Connection) =>
  remoteAddress === undefined
    ? handler
    : Effect.updateService(handler, HttpServerRequest.HttpServerRequest, (request) => request.modify({ remoteAddress }))

/**
 * Makes an authorization server, with the app's own Effect routes if there are any. The platform's logger and tracer are
 * off: they record whole URLs, and these hold codes.
 */
export const make = <E, E2 = never>(
  settings: SettingsOptions,
  storage: Layer.Layer<Storage, E>,
  routes: Layer.Layer<never, E2, Services | HttpLayerRouter.HttpRouter> = Layer.empty
): WebHandler => {
  const router = Layer.provide(HttpLayerRouter.layer, Layer.succeed(HttpLayerRouter.RouterConfig, Routes.routerConfig))
  const app = Layer.merge(routes, Routes.notFound).pipe(
    Layer.provideMerge(AuthLayer.layer(settings)),
    Layer.provide(storage),
    Layer.provideMerge(router)
  )
  // Two handlers in one process share nothing. `ready` rejects with the errors of `AuthLayer` too.
  // @effect-diagnostics-next-line unsafeEffectTypeAssertion:off
  const runtime = RestartingRuntime.make(Layer.fresh(app) as Layer.Layer<Services | HttpLayerRouter.HttpRouter, E | E2>)
  const started = RestartingRuntime.onceDone(async () => {
    const services = await (await runtime.started()).runtime()
    const started = Runtime.setFiberRef(services, HttpMiddleware.currentTracerDisabledWhen, () => true)
    // The endpoints answer every error, and `Routes.notFound` answers the 404 of the router.
    // @effect-diagnostics-next-line anyUnknownInErrorContext:off unsafeEffectTypeAssertion:off
    const handler = Context.get(started.context, HttpLayerRouter.HttpRouter).asHttpEffect() as HttpApp.Default
    const toWeb = HttpApp.toWebHandlerRuntime(started)
    return (request: Request, connection: Connection) => toWeb(withConnection(handler, connection))(request)
  })
  const makeGuard = guards(runtime, { name: "guard" })
  const made: Array<CheckRequest> = []
  return {
    handler: async (request, connection = {}) => (await started())(request, connection),
    guard: (options) => {
      const guard = makeGuard(options)
      made.push(guard)
      return guard
    },
    ready: async () => {
      await started()
      for (const guard of made) await guard.ready()
    },
    dispose: () => runtime.dispose()
  }
}
