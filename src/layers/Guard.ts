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
import * as McpScopes from "../http/mcp/McpScopes.js"
import * as Fibers from "../services/Fibers.js"
import { ServerSettings } from "../services/ServerSettings.js"
import * as Spans from "../services/Spans.js"
import type { Storage } from "../services/stores/Storage.js"
import type * as CurrentAccess from "../services/tokens/CurrentAccess.js"
import * as AuthLayer from "./AuthLayer.js"
import * as RequestHeaders from "./guard/RequestHeaders.js"
import * as ResourceMetadata from "./guard/ResourceMetadata.js"
import type { SettingsOptions } from "./settings/SettingsOptions.js"
import * as RestartingRuntime from "./wiring/RestartingRuntime.js"

/** The requirements of a guard, and of single operations of an MCP server behind it (see `latchkey/McpGuard`). */
export interface GuardOptions extends BearerGuard.Options, McpScopes.Operations {}

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
export interface GuardedRequest extends RequestHeaders.Headed {}

/** A request for metadata. A `Request` of the Fetch standard is one, and so is a request of node:http. */
export interface MetadataRequest extends ResourceMetadata.Asked {}

/** A guard as a function, with what an MCP server behind it needs. */
export interface CheckRequest {
  /**
   * Checks a request. `scopes` are the scopes that this operation needs in addition to those of the guard. The promise
   * rejects only if the guard cannot work at all: wrong settings, or a storage that does not open. It never rejects because
   * of what a client sent.
   */
  (request: GuardedRequest, ...scopes: ReadonlyArray<string>): Promise<Checked>
  /**
   * Returns the scopes that the messages of an MCP client need in addition, by `tools`, `prompts` and `methods` of the guard.
   * `body` is the parsed body of the request: a message, or a batch.
   */
  readonly scopesOf: (body: unknown) => ReadonlyArray<string>
  /** Whether a message can need more scopes than the guard. Otherwise no body has to be read. */
  readonly hasOperations: boolean
  /** Answers a request for the metadata of the resource (RFC 9728); `undefined` if the request is for another URL. */
  readonly metadata: (request: MetadataRequest) => Promise<Response | undefined>
  /** Builds the guard, which the first request does otherwise. Rejects as the first request would. */
  readonly ready: () => Promise<void>
}

const plain = (access: CurrentAccess.Access): Access => ({
  subject: access.subject,
  principal: access.principal,
  clientId: access.clientId,
  scope: Array.from(access.scope),
  resource: access.resource,
  issuedAt: DateTime.toDate(access.issuedAt),
  expiresAt: DateTime.toDate(access.expiresAt)
})

const check = (
  guard: BearerGuard.Guard,
  request: GuardedRequest,
  scopes: ReadonlyArray<string>
): Effect.Effect<Checked> => {
  const carrier = RequestHeaders.carrierOf(request)
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
      const own = { operationScopes: McpScopes.all(options), ...making }
      const { issuer } = await started.runPromise(ServerSettings)
      return { started, isTraced, issuer, guard: await started.runPromise(BearerGuard.make(options, own)) }
    })
    const checkRequest = async (request: GuardedRequest, ...scopes: ReadonlyArray<string>) => {
      const { guard, isTraced, started } = await made()
      const access = guard.peek(RequestHeaders.carrierOf(request), isTraced)
      if (access !== undefined && scopes.every((scope) => access.scope.has(scope))) return { access: plain(access) }
      return started.runPromise(check(guard, request, scopes))
    }
    return Object.assign(checkRequest, {
      scopesOf: (body: unknown) => McpScopes.needed(options, body),
      hasOperations: !McpScopes.isEmpty(options),
      metadata: async (request: MetadataRequest) => {
        const { guard, issuer, started } = await made()
        return started.runPromise(ResourceMetadata.answer(guard, request, issuer))
      },
      ready: async () => {
        await made()
      }
    })
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
