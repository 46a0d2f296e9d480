/** Documents and pages that anybody may read, preflights, and paths that do not exist. */
import { get, type Request } from "../Request.js"
import * as Values from "../Values.js"
import type { Flow, Scene } from "../World.js"

const paths = [
  "/",
  "/health",
  "/ready",
  "/.well-known/oauth-authorization-server",
  "/.well-known/openid-configuration",
  "/.well-known/oauth-protected-resource",
  "/.well-known/oauth-protected-resource/mcp",
  "/.well-known/oauth-protected-resource/api",
  "/api/openapi.json",
  "/favicon.ico",
  "/robots.txt",
  "/nothing",
  "/account",
  "/login",
  "/consent",
  "/token"
]

const read = async ({ dice, send }: Scene) => {
  // The page of the API's documentation is megabytes long: seldom is enough.
  const path = dice.chance(1) ? "/api/docs" : dice.pick(paths)
  await send(
    get(path, dice.chance(20) ? [[Values.name(dice), Values.text(dice)]] : [], {
      accept: dice.pick(["*/*", "text/html", ""])
    })
  )
}

const preflight = async ({ dice, send }: Scene) => {
  const request: Request = {
    ...get(dice.pick(["/token", "/register", "/revoke", "/mcp", "/api/account", "/authorize", "/login"]), [], {
      origin: "https://client.example",
      "access-control-request-method": dice.pick(["POST", "GET", "PUT", "\u00ff"]),
      "access-control-request-headers": dice.pick(["authorization,content-type", "*", ""])
    }),
    method: "OPTIONS"
  }
  await send(request)
}

export const flows: ReadonlyArray<Flow> = [
  { name: "read", weight: 10, steps: 1, play: read },
  { name: "preflight", weight: 2, steps: 1, play: preflight }
]
