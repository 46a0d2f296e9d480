/**
 * The guard of a route (RFC 6750): the handler gets a `CurrentAccess`, or does not run. `BearerAuthApi` is the guard of an
 * `HttpApi`.
 *
 * @example
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Effect, Layer } from "effect"
 * import * as BearerAuth from "latchkey/BearerAuth"
 * import { CurrentAccess } from "latchkey/CurrentAccess"
 *
 * const listNotes = Effect.map(CurrentAccess, ({ subject }) => HttpServerResponse.unsafeJson({ subject, notes: [] }))
 * const Notes = HttpLayerRouter.add("GET", "/notes", listNotes).pipe(
 *   Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] }))
 * )
 */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { InsufficientScope } from "../../domain/OAuthError.js"
import * as Fibers from "../../services/Fibers.js"
import * as Locally from "../../services/Locally.js"
import * as Spans from "../../services/Spans.js"
import { CurrentAccess } from "../../services/tokens/CurrentAccess.js"
import * as AllowedMethods from "../wire/AllowedMethods.js"
import * as FoundRoutes from "../wire/FoundRoutes.js"
import * as BearerGuard from "./BearerGuard.js"
import type { UnknownResource } from "./GuardedResource.js"
import type { UnknownScope } from "./OfferedScopes.js"

export type { Options, Requirements } from "./BearerGuard.js"
export { UnknownResource } from "./GuardedResource.js"
export { UnknownScope } from "./OfferedScopes.js"

type Response = HttpServerResponse.HttpServerResponse

const isInsufficientScope = Schema.is(InsufficientScope)

/** Fails, in a guarded handler, unless the access also carries these scopes. The guard answers the failure. */
export const requireScope = (...scopes: ReadonlyArray<string>): Effect.Effect<void, InsufficientScope, CurrentAccess> =>
  Effect.flatMap(CurrentAccess, (access) =>
    Effect.tapError(BearerGuard.requireOf(access, scopes), (refusal) =>
      Effect.flatMap(FiberRef.get(BearerGuard.onInsufficientScope), (handle) => handle(refusal))
    )
  )

/**
 * Guards the routes that it is provided to. If a handler fails with `InsufficientScope` (see `requireScope`), the response is
 * a 403 that names the scope (RFC 6750 §3.1). A request with a method that no route at the path has gets a 405 with `Allow`
 * (RFC 9110 §15.5.6).
 */
export const layer = (
  options: BearerGuard.Options,
  making: BearerGuard.Making = { name: "BearerAuth" }
): Layer.Layer<
  HttpLayerRouter.HttpRouter | HttpLayerRouter.Request<"Requires", CurrentAccess>,
  UnknownResource | UnknownScope,
  BearerGuard.Requirements | HttpLayerRouter.HttpRouter
> => Layer.merge(guarding(options, making), AllowedMethods.layer())

const guarding = (options: BearerGuard.Options, making: BearerGuard.Making) =>
  HttpLayerRouter.middleware<{ provides: CurrentAccess }>()(
    Effect.map(BearerGuard.make(options, making), (guard) => (handler) => {
      return Fibers.withFiber<HttpServerResponse.HttpServerResponse, HttpLayerRouter.unhandled>((fiber) => {
        // A refused request never runs its handler.
        FoundRoutes.remember(fiber)
        const request = Fibers.service(fiber, HttpServerRequest.HttpServerRequest)
        const { annotations, services, sign } = guard.edge.values(request, fiber)
        const recover = (cause: Cause.Cause<HttpLayerRouter.unhandled>) => {
          const error: unknown = Option.getOrUndefined(Cause.failureOption(cause))
          return isInsufficientScope(error) ? guard.answer(error) : Effect.failCause(cause)
        }
        const access = guard.peek(request, Spans.isTraced(fiber))
        if (access !== undefined) {
          const own = Context.add(services, CurrentAccess, access)
          const finish = (response: Response) => sign(BearerGuard.notShared(response))
          const refuse = (cause: Cause.Cause<HttpLayerRouter.unhandled>) => Effect.map(recover(cause), sign)
          return Locally.inFiber(fiber, { services: own, annotations }, handler, finish, refuse)
        }
        const answered = guard.around(request, (access) =>
          Locally.inFiber(
            fiber,
            { services: Context.make(CurrentAccess, access) },
            handler,
            BearerGuard.notShared,
            recover
          )
        )
        return Locally.inFiber(fiber, { services, annotations }, answered, sign)
      })
    })
  ).layer
