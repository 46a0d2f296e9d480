/** An MCP server whose tools know who calls them, guarded by the authorization server beside it. */
import { McpServer, Tool, Toolkit } from "@effect/ai"
import { Effect, Layer, Option, Schema } from "effect"
import { AuthLayer, BearerAuth } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"

export const issuer = "http://127.0.0.1:3000"

const Tools = Toolkit.make(
  Tool.make("whoami", { description: "Says for whom you act, and what you may do", success: Schema.String })
)

const ToolHandlers = Tools.toLayer({
  whoami: () =>
    Effect.map(
      // A tool runs inside the request that called it, so the guard's answer is there.
      Effect.serviceOption(CurrentAccess),
      Option.match({
        onNone: () => "nobody",
        onSome: ({ scope, subject }) => `${subject}, who lets you ${Array.from(scope).join(" and ")}`
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
  resources: [{ uri: `${issuer}/mcp`, name: "The example's tools", scopes: { "tools:use": "Use the example's tools" } }]
})

/** The whole app; what it still needs is a storage. */
export const App = Layer.provideMerge(Mcp, Auth)
