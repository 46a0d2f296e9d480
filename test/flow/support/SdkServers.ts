/** MCP servers of both lines of the SDK, on Express and on Hono, behind a guard: their users list and add notes. */
import type { RequestListener } from "node:http"
import { getRequestListener } from "@hono/node-server"
import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node"
import { McpServer as McpServerV1 } from "@modelcontextprotocol/sdk/server/mcp.js"
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js"
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js"
import { createMcpHandler, fromJsonSchema, McpServer as McpServerV2 } from "@modelcontextprotocol/server"
import express from "express"
import { Hono } from "hono"
import type { CheckRequest } from "../../../src/layers/Guard.js"
import { type AuthInfo, expressGuard, expressMetadata, honoGuard, honoMetadata } from "../../../src/layers/McpGuard.js"

/** An answer of a tool. */
const answer = (value: unknown) => ({ content: [{ type: "text" as const, text: JSON.stringify(value) }] })

type Transport = Parameters<McpServerV1["connect"]>[0]

/** A server of the 1.x line. Its tools return the access of their caller. */
const serverV1 = () => {
  const server = new McpServerV1({ name: "notes", version: "1.0.0" })
  server.registerTool("list_notes", { description: "Lists notes" }, ({ authInfo }) => answer(authInfo))
  server.registerTool("add_note", { description: "Adds a note" }, ({ authInfo }) => answer(authInfo))
  server.registerTool("count", { description: "Counts to three" }, async ({ _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken ?? 0
    for (const progress of [1, 2, 3]) {
      await sendNotification({ method: "notifications/progress", params: { progressToken, progress } })
    }
    return answer("counted")
  })
  return server
}

const nothing = fromJsonSchema({ type: "object" })

/** A server of the 2.x line, with the same tools. */
const serverV2 = () => {
  const server = new McpServerV2({ name: "notes", version: "1.0.0" })
  const tool = (name: string) =>
    server.registerTool(name, { description: name, inputSchema: nothing }, (_, { http }) => answer(http?.authInfo))
  tool("list_notes")
  tool("add_note")
  server.registerTool("count", { description: "Counts", inputSchema: nothing }, async (_, { mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken ?? 0
    for (const progress of [1, 2, 3]) {
      await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress } })
    }
    return answer("counted")
  })
  return server
}

/** An app with an MCP server at /mcp behind a guard. All other requests go to `others`. */
export type MakeApp = (guard: CheckRequest, others: (request: Request) => Promise<Response>) => RequestListener

/** Express with a handler at /mcp; `parser` is a body parser in front of the guard. One in front of /register would read that. */
const onExpress =
  (
    handle: (request: express.Request, response: express.Response) => Promise<unknown>,
    parser?: express.RequestHandler
  ): MakeApp =>
  (guard, others) => {
    const app = express()
    if (parser !== undefined) app.use("/mcp", parser)
    app.use(expressMetadata(guard))
    app.all("/mcp", expressGuard(guard, { maxBodySize: 10_000 }), async (request, response) => {
      await handle(request, response)
    })
    app.use(getRequestListener(others))
    return app
  }

/** Hono with a handler at /mcp. */
const onHono =
  (handle: (request: Request, authInfo: AuthInfo) => Promise<Response>): MakeApp =>
  (guard, others) => {
    const app = new Hono<{ Variables: { auth: AuthInfo } }>()
    app.use(honoMetadata(guard))
    app.all("/mcp", honoGuard(guard, { maxBodySize: 10_000 }), (c) => handle(c.req.raw, c.get("auth")))
    app.all("*", (c) => others(c.req.raw))
    return getRequestListener(app.fetch)
  }

/** Answers a request with a server of the 1.x line. `isPassedOn` is whether the transport gets the parsed body. */
const v1 = (isPassedOn: boolean) => async (request: express.Request, response: express.Response) => {
  const transport = new StreamableHTTPServerTransport()
  await serverV1().connect(transport as Transport)
  await transport.handleRequest(request, response, isPassedOn ? request.body : undefined)
}

const handlerV2 = createMcpHandler(serverV2)

/** Answers a request with a transport of the 2.x line, which reads the body of the request itself. */
const transportV2 = async (request: express.Request, response: express.Response) => {
  const transport = new NodeStreamableHTTPServerTransport()
  await serverV2().connect(transport)
  await transport.handleRequest(request, response)
}

/** The apps, by their names. */
export const apps: Readonly<Record<string, MakeApp>> = {
  "1.x on Express": onExpress(v1(true)),
  "1.x on Express, reading the body itself": onExpress(v1(false)),
  "1.x on Express behind express.json": onExpress(v1(true), express.json()),
  "2.x on Express": onExpress((request, response) => toNodeHandler(handlerV2)(request, response, request.body)),
  "2.x on Express, reading the body itself": onExpress((request, response) =>
    toNodeHandler(handlerV2)(request, response)
  ),
  "2.x transport on Express, reading the body itself": onExpress(transportV2),
  "1.x on Hono": onHono(async (request, authInfo) => {
    const transport = new WebStandardStreamableHTTPServerTransport()
    await serverV1().connect(transport)
    return transport.handleRequest(request, { authInfo })
  }),
  "2.x on Hono": onHono((request, authInfo) => handlerV2.fetch(request, { authInfo }))
}
