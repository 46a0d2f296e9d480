/**
 * The authorization server as a function from `Request` to `Response`, to be carried by any framework that speaks the
 * Fetch standard; and guards for the routes of that framework, on the same services.
 *
 * @example
 * const auth = WebHandler.make(
 *   {
 *     issuer: "https://notes.example.com",
 *     resources: [{ uri: "https://notes.example.com/notes", scopes: { "notes:read": "Read your notes" } }]
 *   },
 *   SqliteStorage.layer({ filename: "auth.db" })
 * )
 * const readNotes = auth.guard({ scopes: ["notes:read"] })
 *
 * app.get("/notes", async (c) => {
 *   const { access, response } = await readNotes(c.req.raw)
 *   return access ? c.json({ subject: access.subject }) : response
 * })
 * app.all("*", (c) => auth.handler(c.req.raw, { remoteAddress: getConnInfo(c).remote.address }))
 */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Guard from "../http/guard/Guard.js"
import type { Storage } from "../services/stores/Storage.js"
import * as AuthLayer from "./AuthLayer.js"
import * as GuardFunction from "./GuardFunction.js"
import type { SettingsOptions } from "./settings/SettingsOptions.js"
import * as RestartingRuntime from "./wiring/RestartingRuntime.js"
import * as Routes from "./wiring/Routes.js"

export type { Access, Checked, CheckRequest, GuardedRequest, GuardOptions } from "./GuardFunction.js"

/** What a `Request` does not say of itself. */
export interface Connection {
  /**
   * The address of the peer, as its socket has it; limits and the detection of retries from elsewhere use it. Behind a proxy it is the proxy's, which has to stand
   * in `trustedProxies` for its `X-Forwarded-For` to be believed. Never pass on what a request says of itself.
   */
  readonly remoteAddress?: string | undefined
}

/** A server without a socket. */
export interface WebHandler {
  readonly handler: (request: Request, connection?: Connection) => Promise<Response>
  /** A guard on the services of this server. */
  readonly guard: (options: GuardFunction.GuardOptions) => GuardFunction.CheckRequest
  /**
   * Starts what else the first request starts: rejects when the settings are wrong, or the storage does not open. After a
   * failure the next call or request starts it again.
   */
  readonly ready: () => Promise<void>
  /** Closes the storage. */
  readonly dispose: () => Promise<void>
}

type Services = AuthLayer.AuthServices

/** Guards made by a runtime, each when it is first used. */
export const guards =
  <E>(runtime: RestartingRuntime.RestartingRuntime<Services, E>, making: Guard.Making) =>
  (options: GuardFunction.GuardOptions): GuardFunction.CheckRequest => {
    const made = RestartingRuntime.onceDone(async () => {
      const started = await runtime.started()
      return { started, guard: await started.runPromise(Guard.make(options, making)) }
    })
    return async (request, ...scopes) => {
      const { guard, started } = await made()
      return started.runPromise(GuardFunction.check(guard, request, scopes))
    }
  }

const withConnection = <A, E, R>(handler: Effect.Effect<A, E, R>, { remoteAddress }: Connection) =>
  remoteAddress === undefined
    ? handler
    : Effect.updateService(handler, HttpServerRequest.HttpServerRequest, (request) => request.modify({ remoteAddress }))

/**
 * An authorization server, with the app's own routes if it has any in Effect. The platform's logger and tracer are off,
 * since they record whole URLs, and these hold codes.
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
  // Two handlers in one process share nothing. What `AuthLayer` may fail with besides, `ready` rejects with.
  // @effect-diagnostics-next-line unsafeEffectTypeAssertion:off
  const runtime = RestartingRuntime.make(Layer.fresh(app) as Layer.Layer<Services | HttpLayerRouter.HttpRouter, E | E2>)
  const started = RestartingRuntime.onceDone(async () => {
    const services = await (await runtime.started()).runtime()
    const started = Runtime.setFiberRef(services, HttpMiddleware.currentTracerDisabledWhen, () => true)
    // Every error has been answered by the endpoints; what is left is the router's 404, and that is answered too.
    // @effect-diagnostics-next-line anyUnknownInErrorContext:off unsafeEffectTypeAssertion:off
    const handler = Context.get(started.context, HttpLayerRouter.HttpRouter).asHttpEffect() as HttpApp.Default
    const toWeb = HttpApp.toWebHandlerRuntime(started)
    return (request: Request, connection: Connection) => toWeb(withConnection(handler, connection))(request)
  })
  return {
    handler: async (request, connection = {}) => (await started())(request, connection),
    guard: guards(runtime, { name: "guard" }),
    ready: async () => {
      await started()
    },
    dispose: () => runtime.dispose()
  }
}
