/**
 * The guard of an `HttpApi`, of a group or of an endpoint: `BearerAuth` as an `HttpApiMiddleware`, so that the OpenAPI
 * document says which token is needed (OpenAPI 3.1 §4.8.27, type `http`, scheme `bearer`).
 *
 * The platform decodes a bearer header by leaving out its first seven characters, whatever they are. What it finds is
 * not looked at here: the header is read as for every other form of the guard.
 *
 * @example
 * class ReadNotes extends BearerAuthApi.Tag<ReadNotes>()("ReadNotes", { scopes: ["notes:read"] }) {}
 *
 * const notes = HttpApiGroup.make("notes").add(HttpApiEndpoint.get("list", "/notes").addSuccess(Notes)).middleware(ReadNotes)
 *
 * const Routes = HttpLayerRouter.addHttpApi(api).pipe(Layer.provide(handlers), Layer.provide(ReadNotes.layer))
 */
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
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
import * as Schema from "effect/Schema"
import {
  InsufficientScope,
  InvalidRequest,
  InvalidToken,
  MissingToken,
  ServerError,
  TemporarilyUnavailable
} from "../../domain/OAuthError.js"
import { CurrentAccess } from "../../services/tokens/CurrentAccess.js"
import * as AllowedMethods from "../wire/AllowedMethods.js"
import * as Wire from "../wire/Wire.js"
import * as Guard from "./Guard.js"
import type { UnknownResource } from "./GuardedResource.js"
import type { UnknownScope } from "./OfferedScopes.js"

/** A request in the hands of a guard, and how it was refused, if it was. */
interface Guarding {
  readonly guard: Guard.Guard
  refusal: Option.Option<HttpServerResponse.HttpServerResponse>
}

/** By the request of the underlying server: the platform's own object is a new one wherever a path is cut. */
const guarding = new WeakMap<WeakKey, Guarding>()

/**
 * An `HttpApi` turns an error into a body and a status, by its schema, and knows no headers. So the schema of a refusal
 * has the guard answer it, and the guard's headers are put on the response before it leaves.
 */
const answered = (refusal: Guard.Refusal) =>
  Effect.gen(function* () {
    const request = yield* Effect.serviceOption(HttpServerRequest.HttpServerRequest)
    const found = Option.flatMapNullable(request, ({ source }) => guarding.get(source as WeakKey))
    if (Option.isSome(found)) found.value.refusal = Option.some(yield* found.value.guard.answer(refusal))
    return Wire.members(refusal)
  })

const Body = Schema.Struct({ error: Schema.optional(Schema.String), error_description: Schema.optional(Schema.String) })

/** A refusal as it stands in an answer of this status. A client derived from the API reads it back. */
const refusal = <A extends Guard.Refusal, I>(
  status: number,
  meaning: string,
  self: Schema.Schema<A, I>,
  read: (description: string, error: string | undefined) => A
) =>
  Schema.transformOrFail(Body, Schema.typeSchema(self), {
    strict: true,
    decode: ({ error, error_description = "" }) => Effect.succeed(read(error_description, error)),
    encode: (_, __, ___, error) => answered(error)
  }).annotations(HttpApiSchema.annotations({ status, description: meaning }))

/** Everything that a guard answers with, by status. */
export const Refusal = Schema.Union(
  refusal(
    400,
    "The Authorization header is malformed, or there are two.",
    InvalidRequest,
    (description) => new InvalidRequest({ reason: "MalformedAuthorization", description })
  ),
  refusal(
    401,
    "There is no access token, or it is not good for this resource. `WWW-Authenticate` says where to get one.",
    Schema.Union(MissingToken, InvalidToken),
    (description, error) =>
      error === undefined
        ? new MissingToken({ reason: "NoAuthorization", description })
        : new InvalidToken({ reason: "Unknown", description })
  ),
  refusal(
    403,
    "The access token carries too little scope. `WWW-Authenticate` names what this needs.",
    InsufficientScope,
    (description) => new InsufficientScope({ reason: "ScopeMissing", description, required: [] })
  ),
  refusal(
    500,
    "Something went wrong in the server.",
    ServerError,
    (description) => new ServerError({ reason: "Defect", description })
  ),
  refusal(
    503,
    "The server is busy: try again, with the same token.",
    TemporarilyUnavailable,
    (description) => new TemporarilyUnavailable({ reason: "StoreBusy", description })
  )
)

/** What a person reads in the OpenAPI document. */
const describe = ({ scopes }: Guard.Options): string =>
  scopes.length === 0
    ? "An access token in the Authorization header (RFC 6750 §2.1)."
    : `An access token in the Authorization header (RFC 6750 §2.1), with the scope \`${scopes.join(" ")}\`.`

/** How the class of a guard is declared to the platform. */
interface Declaration {
  readonly provides: typeof CurrentAccess
  readonly failure: typeof Refusal
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
    const tag = HttpApiMiddleware.Tag<Self>()(id, { provides: CurrentAccess, failure: Refusal, security })
    const layer = Layer.effect(
      tag,
      Effect.map(Guard.make(options, { name: `BearerAuthApi ${JSON.stringify(id)}` }), (guard) => ({
        [scheme]: () => access(guard)
      }))
    )
    return Object.assign(tag, { layer: Layer.merge(layer, AllowedMethods.layer()) })
  }

/** The access of the request at hand. */
const access = (guard: Guard.Guard) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const state: Guarding = { guard, refusal: Option.none() }
    guarding.set(request.source as WeakKey, state)
    yield* HttpApp.appendPreResponseHandler((_, response) =>
      guard.edge.sign(
        request,
        Option.match(state.refusal, {
          onNone: () => Guard.notShared(response),
          onSome: ({ headers }) => HttpServerResponse.setHeaders(response, headers)
        })
      )
    )
    // For the lines of the handler, which this does not run. Its events have their origin from `AllowedMethods`.
    yield* Effect.annotateLogsScoped({ ...(yield* guard.edge.annotations(request)) })
    return yield* guard.edge.enter(request, guard.check(request))
  })
