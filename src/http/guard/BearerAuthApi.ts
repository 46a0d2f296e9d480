/**
 * The guard of an `HttpApi`, of a group or of an endpoint: `BearerAuth` as an `HttpApiMiddleware`, so that the OpenAPI
 * document names the token that an operation needs (OpenAPI 3.1 §4.8.27, type `http`, scheme `bearer`).
 *
 * The platform decodes a bearer header by removing its first seven characters, without a check of the scheme. This guard
 * ignores the result, and reads the header as every other form of the guard does.
 *
 * @example
 * import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpLayerRouter } from "@effect/platform"
 * import { Effect, Layer, Schema } from "effect"
 * import * as BearerAuthApi from "latchkey/BearerAuthApi"
 *
 * class ReadNotes extends BearerAuthApi.Tag<ReadNotes>()("ReadNotes", { scopes: ["notes:read"] }) {}
 *
 * const list = HttpApiEndpoint.get("list", "/notes").addSuccess(Schema.Array(Schema.String))
 * const api = HttpApi.make("api").add(HttpApiGroup.make("notes").add(list).middleware(ReadNotes))
 * const handlers = HttpApiBuilder.group(api, "notes", (group) => group.handle("list", () => Effect.succeed(["Buy milk"])))
 *
 * const Routes = HttpLayerRouter.addHttpApi(api).pipe(Layer.provide(handlers), Layer.provide(ReadNotes.layer))
 */
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as HttpApp from "@effect/platform/HttpApp"
import type * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import { CurrentAccess } from "../../services/tokens/CurrentAccess.js"
import * as AllowedMethods from "../wire/AllowedMethods.js"
import { GuardRefusal } from "../wire/ApiErrors.js"
import * as Wire from "../wire/Wire.js"
import * as BearerGuard from "./BearerGuard.js"
import type { UnknownResource } from "./GuardedResource.js"
import type { UnknownScope } from "./OfferedScopes.js"

/** Returns the description of the security scheme in the OpenAPI document. */
const describe = ({ scopes }: BearerGuard.Options): string =>
  scopes.length === 0
    ? "An access token in the Authorization header (RFC 6750 §2.1)."
    : `An access token in the Authorization header (RFC 6750 §2.1), with the scope \`${scopes.join(" ")}\`.`

/** The declaration of the class of a guard to the platform. */
interface Declaration {
  readonly provides: typeof CurrentAccess
  readonly failure: typeof GuardRefusal
  readonly security: Record<string, HttpApiSecurity.Bearer>
}

/** The class of a guard: an `HttpApiMiddleware`, and the layer that implements it. */
export interface TagClass<Self, Name extends string>
  extends HttpApiMiddleware.TagClass.BaseSecurity<
    Self,
    Name,
    Declaration,
    Readonly<
      Record<
        string,
        (
          token: Redacted.Redacted
        ) => Effect.Effect<CurrentAccess["Type"], BearerGuard.Refusal, HttpRouter.HttpRouter.Provided>
      >
    >,
    Declaration["security"]
  > {
  readonly layer: Layer.Layer<
    Self | HttpLayerRouter.HttpRouter,
    UnknownResource | UnknownScope,
    BearerGuard.Requirements | HttpLayerRouter.HttpRouter
  >
}

/**
 * Makes the class of a guard. `HttpApiGroup.middleware` and `HttpApiEndpoint.middleware` take the class, and its `layer` is the
 * guard. Each guard needs its own id, which also names its scheme in the OpenAPI document.
 *
 * A handler may fail by `BearerAuth.requireScope`; the response is the guard's 403. A request with a method that no endpoint
 * at the path has gets a 405 with `Allow` (RFC 9110 §15.5.6).
 */
export const Tag =
  <Self>() =>
  <const Name extends string>(id: Name, options: BearerGuard.Options): TagClass<Self, Name> => {
    const scheme = id.replace(/[^A-Za-z0-9._-]/g, "_")
    const security: Record<string, HttpApiSecurity.Bearer> = {
      [scheme]: HttpApiSecurity.annotate(HttpApiSecurity.bearer, OpenApi.Description, describe(options))
    }
    const tag = HttpApiMiddleware.Tag<Self>()(id, { provides: CurrentAccess, failure: GuardRefusal, security })
    const layer = Layer.effect(
      tag,
      Effect.map(BearerGuard.make(options, { name: `BearerAuthApi ${JSON.stringify(id)}` }), (guard) => ({
        [scheme]: () => access(guard)
      }))
    )
    return Object.assign(tag, { layer: Layer.merge(layer, AllowedMethods.layer()) })
  }

/** The headers of a refusal, for the response that has its status. */
interface Refused {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Checks the current request. An `HttpApi` turns an error into a body and a status, by its schema, and sets no headers. So a
 * refusal, by the guard or by `requireScope`, leaves its headers for the response.
 */
const access = (guard: BearerGuard.Guard) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const refused = yield* Ref.make(Option.none<Refused>())
    const refuse = (refusal: BearerGuard.Refusal) =>
      Effect.flatMap(guard.refuse(refusal), (headers) =>
        Ref.set(refused, Option.some({ status: Wire.status(refusal), headers }))
      )
    yield* HttpApp.appendPreResponseHandler((_, response) =>
      Effect.flatMap(Ref.get(refused), (refused) =>
        guard.edge.sign(
          request,
          Option.match(
            Option.filter(refused, ({ status }) => status === response.status),
            {
              onNone: () => BearerGuard.notShared(response),
              onSome: ({ headers }) => HttpServerResponse.setHeaders(response, headers)
            }
          )
        )
      )
    )
    yield* Effect.locallyScoped(BearerGuard.onInsufficientScope, refuse)
    // For the log lines of the handler, which this does not run. Its events get their origin from `AllowedMethods`.
    yield* Effect.annotateLogsScoped({ ...(yield* guard.edge.annotations(request)) })
    return yield* guard.edge.enter(request, Effect.tapError(guard.check(request), refuse))
  })
