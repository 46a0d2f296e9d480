/** Clients of both lines of the MCP SDK at guarded servers of @effect/ai and of the SDK: they log in, and step up for a tool. */
import * as McpServer from "@effect/ai/McpServer"
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { describe, expect, it, onTestFinished } from "vitest"
import * as McpAuth from "../../../src/http/mcp/McpAuth.js"
import * as AuthLayer from "../../../src/layers/AuthLayer.js"
import * as NodeServer from "../../../src/layers/NodeServer.js"
import * as WebHandler from "../../../src/layers/WebHandler.js"
import { CurrentAccess } from "../../../src/services/tokens/CurrentAccess.js"
import { freePort } from "../../support/Cli.js"
import { lines, McpUser, serve, sharedStorage } from "../support/McpUser.js"
import { apps } from "../support/SdkServers.js"

const scopes = { "notes:read": "Read your notes", "notes:write": "Write notes" }
const needs = { scopes: ["notes:read"], tools: { add_note: ["notes:write"] } }

describe.each(Object.entries(apps))("the server %s", (_, makeApp) => {
  it.each(lines)("a client of $sdk.name calls a tool, and gets more scope for the next one", async (line) => {
    const { addAccount, storage } = await sharedStorage()
    const { stop, url } = await serve(async (issuer) => {
      const auth = WebHandler.make({ issuer, resources: [{ uri: `${issuer}/mcp`, scopes }] }, storage)
      onTestFinished(auth.dispose)
      await addAccount(issuer)
      return makeApp(auth.guard(needs), (request) => auth.handler(request))
    })
    onTestFinished(stop)
    const user = new McpUser(line, `${url}/mcp`)
    const connection = await user.connect()
    const access = JSON.parse(await connection.call("list_notes"))
    expect(access).toEqual({
      token: user.provider.tokens().access_token,
      clientId: user.provider.clientInformation().client_id,
      scopes: ["notes:read"],
      expiresAt: expect.any(Number),
      resource: `${url}/mcp`,
      extra: { subject: expect.any(String), principal: "User" }
    })
    expect(access.expiresAt - Date.now() / 1000).toBeGreaterThan(0)
    expect(access.expiresAt - Date.now() / 1000).toBeLessThan(24 * 60 * 60)
    const written = await user.attempt(() => connection.call("add_note"))
    expect(JSON.parse(written).scopes).toEqual(["notes:read", "notes:write"])
    expect(user.asked).toEqual(["notes:read", "notes:read notes:write"])
    await connection.close()
  })
})

const Tools = Toolkit.make(
  Tool.make("list_notes", { success: Schema.Array(Schema.String) }),
  Tool.make("add_note", { success: Schema.Array(Schema.String) })
)

/** A tool that returns the scopes of its caller. */
const scopesOfCaller = () =>
  Effect.map(Effect.serviceOption(CurrentAccess), (access) =>
    Option.match(access, { onNone: () => [], onSome: ({ scope }) => Array.from(scope) })
  )

describe("the server of @effect/ai", () => {
  it.each(lines)("a client of $sdk.name calls a tool, and gets more scope for the next one", async (line) => {
    const { addAccount, storage } = await sharedStorage()
    const port = await freePort()
    const issuer = `http://127.0.0.1:${port}`
    const app = McpServer.toolkit(Tools).pipe(
      Layer.provide(Tools.toLayer({ list_notes: scopesOfCaller, add_note: scopesOfCaller })),
      Layer.provide(McpServer.layerHttpRouter({ name: "notes", version: "1.0.0", path: "/mcp" })),
      Layer.provide(McpAuth.layer({ ...needs, toolkit: Tools })),
      Layer.provideMerge(AuthLayer.layer({ issuer, resources: [{ uri: `${issuer}/mcp`, scopes }] })),
      Layer.provide(storage)
    )
    const scope = Effect.runSync(Scope.make())
    onTestFinished(() => Effect.runPromise(Scope.close(scope, Exit.void)))
    const served = NodeServer.serve(app, { host: "127.0.0.1", port, drain: "1 second" })
    await Effect.runPromise(Scope.extend(Layer.build(served), scope))
    await addAccount(issuer)
    const user = new McpUser(line, `${issuer}/mcp`)
    const connection = await user.connect()
    expect(await connection.tools()).toEqual(["list_notes", "add_note"])
    expect(await connection.call("list_notes")).toBe('["notes:read"]')
    expect(await user.attempt(() => connection.call("add_note"))).toBe('["notes:read","notes:write"]')
    expect(user.asked).toEqual(["notes:read", "notes:read notes:write"])
    await connection.close()
  })
})
