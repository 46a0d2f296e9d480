/**
 * The guard of an `HttpApi`, of a group or of an endpoint: `BearerAuth` as an `HttpApiMiddleware`, so that the OpenAPI
 * document says which token is needed (OpenAPI 3.1 §4.8.27, type `http`, scheme `bearer`).
 *
 * The platform decodes a bearer header by leaving out its first seven characters, whatever they are. What it finds is
 * not looked at here: the header is read as for every other form of the guard.
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
import * as Guard from "./Guard.js"
import type { UnknownResource } from "./GuardedResource.js"
import type { UnknownScope } from "./OfferedScopes.js"

/** What a person reads in the OpenAPI document. */
const describe = ({ scopes }: Guard.Options): string =>
  scopes.length === 0
    ? "An access token in the Authorization header (RFC 6750 §2.1)."
    : `An access token in the Authorization header (RFC 6750 §2.1), with the scope \`${scopes.join(" ")}\`.`

/** How the class of a guard is declared to the platform. */
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
        ) => Effect.Effect<CurrentAccess["Type"], Guard.Refusal, HttpRouter.HttpRouter.Provided>
      >
    >,
    Declaration["security"]
  > {
  readonly layer: Layer.Layer<
    Self | HttpLayerRouter.HttpRouter,
    UnknownResource | UnknownScope,
    Guard.Requirements | HttpLayerRouter.HttpRouter
  >
}

/**
 * Makes the class of a guard: with `HttpApiGroup.middleware` or `HttpApiEndpoint.middleware` it says what is guarded,
 * and its `layer` is the guard. Each guard has an id of its own, which names its scheme in the OpenAPI document too.
 *
 * Handlers may fail by `BearerAuth.requireScope`; that is answered as the guard's own 403. A method that no endpoint at a
 * path has is answered 405 with `Allow` (RFC 9110 §15.5.6).
 */
export const Tag =
  <Self>() =>
  <const Name extends string>(id: Name, options: Guard.Options): TagClass<Self, Name> => {
    const scheme = id.replace(/[^A-Za-z0-9._-]/g, "_")
    const security: Record<string, HttpApiSecurity.Bearer> = {
      [scheme]: HttpApiSecurity.annotate(HttpApiSecurity.bearer, OpenApi.Description, describe(options))
    }
    const tag = HttpApiMiddleware.Tag<Self>()(id, { provides: CurrentAccess, failure: GuardRefusal, security })
    const layer = Layer.effect(
      tag,
      Effect.map(Guard.make(options, { name: `BearerAuthApi ${JSON.stringify(id)}` }), (guard) => ({
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
 * Checks the request at hand. An `HttpApi` turns an error into a body and a status, by its schema, and sets no headers. So a
 * refusal, by the guard or by `requireScope`, leaves its headers for the response.
 */
const access = (guard: Guard.Guard) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const refused = yield* Ref.make(Option.none<Refused>())
    const refuse = (refusal: Guard.Refusal) =>
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
              onNone: () => Guard.notShared(response),
              onSome: ({ headers }) => HttpServerResponse.setHeaders(response, headers)
            }
          )
        )
      )
    )
    yield* Effect.locallyScoped(Guard.onInsufficientScope, refuse)
    // For the log lines of the handler, which this does not run. Its events get their origin from `AllowedMethods`.
    yield* Effect.annotateLogsScoped({ ...(yield* guard.edge.annotations(request)) })
    return yield* guard.edge.enter(request, Effect.tapError(guard.check(request), refuse))
  })
