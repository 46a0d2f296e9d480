/**
 * A client for the tests of an app: it serves the app in this process, and gets access tokens from the services of its
 * authorization server. No test has to read a page.
 *
 * @example
 * import { Effect, Layer } from "effect"
 * import { AuthLayer } from "latchkey"
 * import * as MemoryStorage from "latchkey/MemoryStorage"
 * import { TestClient } from "latchkey/testing"
 *
 * const resources = [{ uri: "https://notes.example.com/notes", scopes: { "notes:read": "Read your notes" } }]
 * const App = AuthLayer.layer({ issuer: "https://notes.example.com", resources })
 *
 * export const status = Effect.gen(function* () {
 *   const client = yield* TestClient.serve(App.pipe(Layer.provide(MemoryStorage.layer)))
 *   const token = yield* client.accessToken({ user: "ada", scopes: ["notes:read"] })
 *   const response = yield* client.fetch("/notes", { token })
 *   return response.status // 200 if the app has such a route
 * }).pipe(Effect.scoped)
 */
import type { Generator } from "@effect/platform/Etag"
import type { FileSystem } from "@effect/platform/FileSystem"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import type { HttpPlatform } from "@effect/platform/HttpPlatform"
import * as HttpServer from "@effect/platform/HttpServer"
import type { Path } from "@effect/platform/Path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type { Account } from "../domain/Account.js"
import type { AuthServices } from "../layers/AuthLayer.js"
import * as Routes from "../layers/wiring/Routes.js"
import { ServerContext } from "../layers/wiring/ServerContext.js"
import { ServerSettings } from "../services/ServerSettings.js"
import * as Tokens from "./Tokens.js"

export { TokenRefused, type TokenRequest } from "./Tokens.js"

/** The options of a request: those of `fetch`, and a token. */
export interface RequestOptions extends RequestInit {
  /** An access token, for the Authorization header. */
  readonly token?: string | undefined
}

/** An app in this process. */
export interface TestClient<Services> {
  /** Sends a request. A path is one of the issuer's host. A redirect is returned and not followed. */
  readonly fetch: (url: string, options?: RequestOptions) => Effect.Effect<Response>
  /** Returns an access token of a user or of a client. */
  readonly accessToken: (request: Tokens.TokenRequest) => Effect.Effect<string, Tokens.TokenRefused>
  /** Returns the account of a user, and creates it if there is none. */
  readonly account: (user: string) => Effect.Effect<Account, Tokens.TokenRefused>
  /** The services of the app: `Effect.provide(effect, client.services)` runs an effect on them. */
  readonly services: Context.Context<Services>
}

/**
 * Returns an access token, from the services of a server. Use it for an app that `serve` cannot serve, such as a handler of
 * another framework: `AuthLayer.layerServices` on the same storage gives the services.
 */
export const accessToken = (request: Tokens.TokenRequest): Effect.Effect<string, Tokens.TokenRefused, ServerContext> =>
  Effect.flatMap(ServerContext, (services) => Effect.provide(Tokens.issue(request), services))

/** Returns the account of a user, and creates it if there is none. With the app's own login, the user is its subject. */
export const account = (user: string): Effect.Effect<Account, Tokens.TokenRefused, ServerContext> =>
  Effect.flatMap(ServerContext, (services) => Effect.provide(Tokens.accountOf(user), services))

/** The services that `serve` provides to an app. */
type Provided = HttpLayerRouter.HttpRouter | HttpPlatform | Generator | FileSystem | Path

/** The type of errors that the handlers of an app leave to the router. */
type Unanswered = HttpLayerRouter.Request<"Error", unknown>

/** Serves an app of routes with its `AuthLayer` in this process, on the clock of the test, until the scope closes. */
export const serve = <A, E>(
  app: Layer.Layer<A | AuthServices, E, Provided | Unanswered>
): Effect.Effect<TestClient<A | AuthServices>, E, Scope.Scope> =>
  Effect.gen(function* () {
    const router = Layer.provide(
      HttpLayerRouter.layer,
      Layer.succeed(HttpLayerRouter.RouterConfig, Routes.routerConfig)
    )
    // No layer provides `Unanswered`: the router answers such an error with 500.
    // @effect-diagnostics-next-line unsafeEffectTypeAssertion:off
    const routes = app as Layer.Layer<A | AuthServices, E, Provided>
    const context = yield* Layer.build(
      Layer.merge(routes, Routes.notFound).pipe(Layer.provideMerge(Layer.merge(router, HttpServer.layerContext)))
    )
    const runtime = Runtime.setFiberRef(
      yield* Effect.provide(Effect.runtime<never>(), context),
      HttpMiddleware.currentTracerDisabledWhen,
      () => true
    )
    // The endpoints answer every error, and `Routes.notFound` answers the 404 of the router.
    // @effect-diagnostics-next-line anyUnknownInErrorContext:off unsafeEffectTypeAssertion:off
    const handler = Context.get(context, HttpLayerRouter.HttpRouter).asHttpEffect() as HttpApp.Default
    const send = HttpApp.toWebHandlerRuntime(runtime)(HttpMiddleware.withLoggerDisabled(handler))
    const { issuer } = Context.get(context, ServerSettings)
    return {
      fetch: (url, { token, ...init } = {}) =>
        Effect.promise(() => {
          const request = new Request(new URL(url, issuer), init)
          if (token !== undefined) request.headers.set("authorization", `Bearer ${token}`)
          return send(request)
        }),
      accessToken: (request) => Effect.provide(accessToken(request), context),
      account: (user) => Effect.provide(account(user), context),
      services: context
    }
  })
