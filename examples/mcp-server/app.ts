/** An MCP server whose tools know who calls them and need different scopes, guarded by an authorization server in the same app. */
import { McpServer, Tool, Toolkit } from "@effect/ai"
import { Effect, Layer, Option, Random, Schema } from "effect"
import { AuthLayer } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"
import * as McpAuth from "latchkey/McpAuth"

export const issuer = "http://127.0.0.1:3000"

const Tools = Toolkit.make(
  Tool.make("whoami", { description: "Returns the user and the scopes of the access token", success: Schema.String }),
  Tool.make("roll_dice", { description: "Rolls a die", success: Schema.Number })
)

const ToolHandlers = Tools.toLayer({
  roll_dice: () => Random.nextIntBetween(1, 7),
  whoami: () =>
    Effect.map(
      // A tool runs inside the request that calls it, so its context has the access of the guard.
      Effect.serviceOption(CurrentAccess),
      Option.match({
        onNone: () => "unknown",
        onSome: ({ scope, subject }) => `${subject} with ${Array.from(scope).join(" and ")}`
      })
    )
})

const Mcp = McpServer.toolkit(Tools).pipe(
  Layer.provide(ToolHandlers),
  Layer.provide(McpServer.layerHttpRouter({ name: "example", version: "1.0.0", path: "/mcp" })),
  Layer.provide(McpAuth.layer({ scopes: ["tools:use"], toolkit: Tools, tools: { roll_dice: ["dice:roll"] } }))
)

const Auth = AuthLayer.layer({
  issuer,
  resources: [
    {
      uri: `${issuer}/mcp`,
      name: "The example's tools",
      scopes: { "tools:use": "Use the example's tools", "dice:roll": "Roll a die" }
    }
  ]
})

/** The whole app. It needs a storage and a server. */
export const App = Layer.provideMerge(Mcp, Auth)
