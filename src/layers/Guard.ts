/**
 * The guard as a function of a request, for frameworks that know nothing of Effect. `makeGuard` is for an API whose
 * authorization server is another process on the same storage, such as `latchkey serve`.
 *
 * @example
 * import { makeGuard } from "latchkey/guard"
 * import * as SqliteStorage from "latchkey/SqliteStorage"
 *
 * const guard = makeGuard(
 *   { issuer: "https://auth.example.com", resource: "https://api.example.com/", scopes: ["notes:read"] },
 *   SqliteStorage.layer({ filename: "auth.db" })
 * )
 *
 * export const notes = async (request: Request): Promise<Response> => {
 *   const { access, response } = await guard(request)
 *   return response ?? Response.json({ subject: access.subject })
 * }
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as BearerGuard from "../http/guard/BearerGuard.js"
import * as Fibers from "../services/Fibers.js"
import * as Spans from "../services/Spans.js"
import type { Storage } from "../services/stores/Storage.js"
import type * as CurrentAccess from "../services/tokens/CurrentAccess.js"
import * as AuthLayer from "./AuthLayer.js"
import type { SettingsOptions } from "./settings/SettingsOptions.js"
import * as RestartingRuntime from "./wiring/RestartingRuntime.js"

/** The requirements of a guard. */
export interface GuardOptions extends BearerGuard.Options {}

/** The access of a request: who calls, for whom, and what the token allows. */
export interface Access {
  /** The user; for a client that acts for itself, the id of the client. */
  readonly subject: string
  readonly principal: "User" | "Client"
  readonly clientId: string
  readonly scope: ReadonlyArray<string>
  /** The resource that the request is for. */
  readonly resource: string
  // biome-ignore lint/style/noRestrictedGlobals: callers outside of Effect know this type.
  readonly issuedAt: Date
  // biome-ignore lint/style/noRestrictedGlobals: as above.
  readonly expiresAt: Date
}

/** The access of a request, or the response that refuses it (RFC 6750 §3). Exactly one of them is present. */
export type Checked =
  | { readonly access: Access; readonly response?: undefined }
  | { readonly access?: undefined; readonly response: Response }

/** The part of a request that a guard reads. A `Request` of the Fetch standard has it, and so has a request of node:http. */
export interface GuardedRequest {
  readonly headers: Headers | Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** The raw headers of node:http. Only they show a second Authorization header. */
  readonly rawHeaders?: ReadonlyArray<string>
}

/**
 * Checks a request. `scopes` are the scopes that this operation needs in addition to those of the guard. The promise
 * rejects only if the guard cannot work at all: wrong settings, or a storage that does not open. It never rejects because
 * of what a client sent.
 */
export type CheckRequest = (request: GuardedRequest, ...scopes: ReadonlyArray<string>) => Promise<Checked>

/** Returns the Authorization header of a request. Several values are joined, as the Fetch standard does. */
const authorization = ({ headers, rawHeaders }: GuardedRequest): string | undefined => {
  if (isHeaders(headers)) return headers.get("authorization") ?? undefined
  // The headers of node:http have names in lower case.
  if (rawHeaders !== undefined && typeof headers.authorization === "string") return headers.authorization
  const values = Object.entries(headers).flatMap(([name, value]) =>
    name.toLowerCase() === "authorization" ? (value ?? []) : []
  )
  return values.length === 0 ? undefined : values.join(", ")
}

/** `instanceof` would miss the class of a framework that brings its own. */
const isHeaders = (headers: GuardedRequest["headers"]): headers is Headers => typeof headers.get === "function"

const plain = (access: CurrentAccess.Access): Access => ({
  subject: access.subject,
  principal: access.principal,
  clientId: access.clientId,
  scope: Array.from(access.scope),
  resource: access.resource,
  issuedAt: DateTime.toDate(access.issuedAt),
  expiresAt: DateTime.toDate(access.expiresAt)
})

const carrierOf = (request: GuardedRequest) => ({
  headers: { authorization: authorization(request) },
  source: request
})

const check = (
  guard: BearerGuard.Guard,
  request: GuardedRequest,
  scopes: ReadonlyArray<string>
): Effect.Effect<Checked> => {
  const carrier = carrierOf(request)
  const checked = guard.check(carrier).pipe(
    Effect.tap((access) => BearerGuard.requireOf(access, scopes)),
    Effect.matchEffect({
      onFailure: (refusal) =>
        Effect.flatMap(guard.answer(refusal), (response) => guard.edge.sign(carrier, response)).pipe(
          Effect.map((response) => ({ response: HttpServerResponse.toWeb(response) }))
        ),
      onSuccess: (access) => Effect.succeed({ access: plain(access) })
    })
  )
  return guard.edge.enter(carrier, checked)
}

/** Returns a function that makes guards on the services of one runtime. Each guard is built at its first request. */
export const guards =
  <E>(runtime: RestartingRuntime.RestartingRuntime<AuthLayer.AuthServices, E>, making: BearerGuard.Making) =>
  (options: GuardOptions): CheckRequest => {
    const made = RestartingRuntime.onceDone(async () => {
      const started = await runtime.started()
      const isTraced = await started.runPromise(Fibers.withFiber((fiber) => Effect.succeed(Spans.isTraced(fiber))))
      return { started, isTraced, guard: await started.runPromise(BearerGuard.make(options, making)) }
    })
    return async (request, ...scopes) => {
      const { guard, isTraced, started } = await made()
      const access = guard.peek(carrierOf(request), isTraced)
      if (access !== undefined && scopes.every((scope) => access.scope.has(scope))) return { access: plain(access) }
      return started.runPromise(check(guard, request, scopes))
    }
  }

/** A guard that has its own services. */
export interface GuardFunction extends CheckRequest {
  /** Closes the storage. */
  readonly dispose: () => Promise<void>
}

/** The settings of the server that issues the tokens, and what the guard requires. */
export interface Options extends Omit<SettingsOptions, "resources">, GuardOptions {
  /**
   * The resources that the server declares in code: none if not given. The guard finds the resources of the storage
   * without it, such as those that `latchkey resource create` made.
   */
  readonly resources?: SettingsOptions["resources"] | undefined
}

/**
 * Makes a guard. Its services start with the first request; after a failed start the next request starts them again. Each
 * call rejects while the guard's resource is neither in `resources` nor in the storage; the error names the resources that
 * exist.
 */
export const makeGuard = <E>(options: Options, storage: Layer.Layer<Storage, E>): GuardFunction => {
  const runtime = RestartingRuntime.make(
    Layer.fresh(Layer.provide(AuthLayer.layerServices({ ...options, resources: options.resources ?? [] }), storage))
  )
  return Object.assign(guards(runtime, { name: "makeGuard", mustExist: true })(options), {
    dispose: () => runtime.dispose()
  })
}
