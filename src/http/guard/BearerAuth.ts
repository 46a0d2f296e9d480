/**
 * The guard of a route (RFC 6750): its handler gets a `CurrentAccess`, or is not run. For an `HttpApi` there is
 * `BearerAuthApi`.
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
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { InsufficientScope } from "../../domain/OAuthError.js"
import { CurrentAccess } from "../../services/tokens/CurrentAccess.js"
import * as AllowedMethods from "../wire/AllowedMethods.js"
import * as Guard from "./Guard.js"
import type { UnknownResource } from "./GuardedResource.js"
import type { UnknownScope } from "./OfferedScopes.js"

export type { Options, Requirements } from "./Guard.js"
export { UnknownResource } from "./GuardedResource.js"
export { UnknownScope } from "./OfferedScopes.js"

const isInsufficientScope = Schema.is(InsufficientScope)

/** Inside a guarded handler: fails unless the access carries these scopes too. The guard answers the failure. */
export const requireScope = (...scopes: ReadonlyArray<string>): Effect.Effect<void, InsufficientScope, CurrentAccess> =>
  Effect.flatMap(CurrentAccess, (access) =>
    Effect.tapError(Guard.requireOf(access, scopes), (refusal) =>
      Effect.flatMap(FiberRef.get(Guard.onInsufficientScope), (handle) => handle(refusal))
    )
  )

/**
 * Guards the routes it is provided to. `InsufficientScope` that their handlers fail with (see `requireScope`) is
 * answered here too, as a 403 that names the scope (RFC 6750 §3.1); a method that none of the routes at a path has, as a
 * 405 that names those they have (RFC 9110 §15.5.6).
 */
export const layer = (
  options: Guard.Options
): Layer.Layer<
  HttpLayerRouter.HttpRouter | HttpLayerRouter.Request<"Requires", CurrentAccess>,
  UnknownResource | UnknownScope,
  Guard.Requirements | HttpLayerRouter.HttpRouter
> => Layer.merge(guarding(options), AllowedMethods.layer())

const guarding = (options: Guard.Options) =>
  HttpLayerRouter.middleware<{ provides: CurrentAccess }>()(
    Effect.map(
      Guard.make(options, { name: "BearerAuth" }),
      (guard) => (handler) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
          Effect.matchEffect(guard.check(request), {
            onFailure: guard.answer,
            onSuccess: (access) =>
              Effect.provideService(handler, CurrentAccess, access).pipe(
                Effect.catchAll((error: unknown) =>
                  isInsufficientScope(error) ? guard.answer(error) : Effect.fail(error as HttpLayerRouter.unhandled)
                ),
                Effect.map(Guard.notShared)
              )
          }).pipe((answer) => guard.edge.around(answer))
        )
    )
  ).layer
