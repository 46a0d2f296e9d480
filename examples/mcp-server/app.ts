/** An MCP server whose tools know who calls them, guarded by an authorization server in the same app. */
import { McpServer, Tool, Toolkit } from "@effect/ai"
import { Effect, Layer, Option, Schema } from "effect"
import { AuthLayer, BearerAuth } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"

export const issuer = "http://127.0.0.1:3000"

const Tools = Toolkit.make(
  Tool.make("whoami", { description: "Returns the user and the scopes of the access token", success: Schema.String })
)

const ToolHandlers = Tools.toLayer({
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
  Layer.provide(BearerAuth.layer({ scopes: ["tools:use"] }))
)

const Auth = AuthLayer.layer({
  issuer,
  resources: [
    {
      uri: `${issuer}/mcp`,
      name: "The example's tools",
      scopes: { "tools:use": "Use the example's tools", "tools:list": "See the list of tools" }
    }
  ]
})

/** The whole app. It needs a storage and a server. */
export const App = Layer.provideMerge(Mcp, Auth)
