/** The demo: an MCP server that stores notes and is protected by the authorization server in the same process. */
import * as McpServer from "@effect/ai/McpServer"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { MethodNotAllowed } from "../../domain/HttpError.js"
import * as Issuer from "../../domain/Issuer.js"
import * as McpAuth from "../../http/mcp/McpAuth.js"
import * as Body from "../../http/wire/Body.js"
import * as Cors from "../../http/wire/Cors.js"
import { isOpened } from "../../http/wire/OpenedInBrowser.js"
import * as Page from "../../http/wire/Page.js"
import * as Wire from "../../http/wire/Wire.js"
import type { SettingsOptions } from "../../layers/settings/SettingsOptions.js"
import { version } from "../terminal/Version.js"
import * as Notes from "./Notes.js"
import * as Tools from "./Tools.js"

/** The resource of the demo. */
export const resource = (issuer: Issuer.Issuer): SettingsOptions["resources"][number] => ({
  uri: `${issuer}/mcp`,
  name: "Demo notes",
  scopes: { "notes:read": "Read your notes", "notes:write": "Write notes for you" }
})

/** The page for a user who opens the address in a browser. Its status is an error, as for every GET. */
const page = (path: string, issuer: Issuer.Issuer, rendering: Page.Rendering) =>
  Page.render(
    rendering,
    "errorPage",
    {
      title: "This is an MCP server",
      message: `It is for MCP clients, not for browsers. Give your MCP client this address: ${Issuer.origin(issuer)}${path}`,
      wayOn: { url: Issuer.path(issuer) || "/", label: "Go to the start page" }
    },
    405
  )

/** Answers a GET with 405, because there are no streams (MCP 2025-06-18, Transports): with a page for a user. */
const opened = (path: `/${string}`, issuer: Issuer.Issuer, rendering: Page.Rendering) => {
  const error = new MethodNotAllowed({ reason: "MethodNotAllowed", description: "messages are sent by POST" })
  const headers = { allow: "POST, OPTIONS", ...Cors.headers }
  const response = HttpServerResponse.setHeaders(Wire.toJson(error, issuer), headers)
  const explained = HttpServerResponse.setHeaders(page(path, issuer, rendering), headers)
  return HttpLayerRouter.add(
    "GET",
    path,
    Effect.map(HttpServerRequest.HttpServerRequest, (request) => (isOpened(request) ? explained : response))
  )
}

/** Adds the MCP server to the router of the app. */
export const layer = (issuer: Issuer.Issuer) => {
  const path: `/${string}` = `${Issuer.path(issuer)}/mcp`
  const guarded = resource(issuer)
  const server = McpServer.toolkit(Tools.Tools).pipe(
    Layer.provide(Tools.layer),
    Layer.provide(Notes.layer),
    Layer.provide(McpServer.layerHttpRouter({ name: "latchkey-demo", version, path }))
  )
  const routes = server.pipe(
    Layer.provide(
      Layer.orDie(
        McpAuth.layer({
          scopes: ["notes:read"],
          challengeScopes: Object.keys(guarded.scopes),
          resource: guarded.uri,
          toolkit: Tools.Tools,
          tools: { add_note: ["notes:write"] },
          // The notes are in memory.
          maxBodySize: Body.limit
        })
      )
    )
  )
  const explanation = Layer.unwrapEffect(Effect.map(Page.PageRendering, (rendering) => opened(path, issuer, rendering)))
  return Layer.merge(routes, explanation)
}
