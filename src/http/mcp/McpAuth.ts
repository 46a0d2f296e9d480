/**
 * The guard of an MCP server of @effect/ai: `BearerAuth`, scopes for single tools, and the rules of MCP's transport that the
 * server does not have (MCP 2025-06-18, Transports).
 *
 * @example
 * import { McpServer, Tool, Toolkit } from "@effect/ai"
 * import { Effect, Layer, Schema } from "effect"
 * import * as McpAuth from "latchkey/McpAuth"
 *
 * const Tools = Toolkit.make(
 *   Tool.make("list_notes", { success: Schema.Array(Schema.String) }),
 *   Tool.make("add_note", { parameters: { text: Schema.String }, success: Schema.Number })
 * )
 * const Handlers = Tools.toLayer({ list_notes: () => Effect.succeed(["Buy milk"]), add_note: () => Effect.succeed(1) })
 *
 * const Mcp = McpServer.toolkit(Tools).pipe(
 *   Layer.provide(Handlers),
 *   Layer.provide(McpServer.layerHttpRouter({ name: "notes", version: "1.0.0", path: "/mcp" })),
 *   Layer.provide(
 *     McpAuth.layer({ scopes: ["notes:read"], toolkit: Tools, tools: { add_note: ["notes:write"] } })
 *   )
 * )
 */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { CurrentAccess } from "../../services/tokens/CurrentAccess.js"
import type { UnknownResource, UnknownScope } from "../guard/BearerAuth.js"
import * as BearerAuth from "../guard/BearerAuth.js"
import type * as BearerGuard from "../guard/BearerGuard.js"
import * as AllowedMethods from "../wire/AllowedMethods.js"
import * as Cors from "../wire/Cors.js"
import * as McpHeaders from "./McpHeaders.js"
import * as McpScopes from "./McpScopes.js"
import * as McpTransport from "./McpTransport.js"

export { UnknownResource, UnknownScope } from "../guard/BearerAuth.js"
export type { Operations } from "./McpScopes.js"

/** The table names a tool that the toolkit does not have, so its scopes would guard nothing. */
export class UnknownTool extends Data.TaggedError("UnknownTool")<{ readonly message: string }> {}

/** The requirements of the guard of an MCP server. `scopes` are those that every request needs. */
export interface Options<Name extends string = string> extends BearerGuard.Options, McpScopes.Operations {
  /** The tools of the server. Without it, the names in `tools` are not checked. */
  readonly toolkit?: { readonly tools: { readonly [_ in Name]: unknown } } | undefined
  /** The scopes of a tool in addition to `scopes`, by its name. */
  readonly tools?: { readonly [_ in NoInfer<Name>]?: ReadonlyArray<string> } | undefined
  /**
   * Origins of web pages that may call the server, such as `https://chat.example.com`. Pages of the issuer's origin and pages
   * on this computer may always call.
   */
  readonly origins?: ReadonlyArray<string> | undefined
  /** The versions of MCP that the server negotiates, newest first: those of @effect/ai 0.37 if not given. */
  readonly protocolVersions?: ReadonlyArray<string> | undefined
  /** Maximum size of a body, in bytes: 4 MiB if not given. */
  readonly maxBodySize?: number | undefined
}

/** Maximum size of a body if the app sets none, in bytes. The servers of the MCP SDK have the same. */
export const defaultMaxBodySize = 4 * 1024 * 1024

/**
 * Guards the MCP server that it is provided to. A request for an operation whose scope is missing gets a 403 that names the
 * scope (RFC 6750 §3.1), and no message of its batch runs. Fails if the resource does not offer a scope that the guard or an
 * operation needs, or if `toolkit` does not have a tool of the table.
 */
export const layer = <const Name extends string>(
  options: Options<Name>
): Layer.Layer<
  HttpLayerRouter.HttpRouter | HttpLayerRouter.Request<"Requires", CurrentAccess>,
  UnknownResource | UnknownScope | UnknownTool,
  BearerGuard.Requirements | HttpLayerRouter.HttpRouter
> => {
  const { maxBodySize = defaultMaxBodySize, origins = [], protocolVersions = McpHeaders.protocolVersions } = options
  const operations: McpScopes.Operations = options
  const transport = McpTransport.layer({ operations, origins, protocolVersions, maxBodySize })
  const guard = BearerAuth.layer(options, { name: "McpAuth", operationScopes: McpScopes.all(operations) })
  // The first middleware runs inside of the next one.
  const guarded = Layer.provideMerge(transport, guard).pipe(Layer.provideMerge(cors))
  // This replaces the router of `BearerAuth`, which answers no preflight.
  return Layer.mergeAll(
    guarded,
    checkTools(options),
    AllowedMethods.layer(() => true)
  )
}

/** Lets clients in browsers read every response: the server uses no cookie. */
const cors = HttpLayerRouter.middleware((handler) =>
  Effect.map(handler, HttpServerResponse.setHeaders(Cors.headers))
).layer

/** Fails if the toolkit does not have a tool of the table. */
const checkTools = ({ toolkit, ...operations }: Options): Layer.Layer<never, UnknownTool> => {
  const unknown = toolkit === undefined ? undefined : McpScopes.unknownTools(operations, Object.keys(toolkit.tools))
  return unknown === undefined
    ? Layer.empty
    : Layer.effectDiscard(Effect.fail(new UnknownTool({ message: `McpAuth, option \`tools\`: ${unknown}` })))
}
