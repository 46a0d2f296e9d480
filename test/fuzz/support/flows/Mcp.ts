/** The demo's MCP endpoint, with JSON-RPC messages and batches. */
import type { Dice } from "../Dice.js"
import { sendJson } from "../Request.js"
import * as Values from "../Values.js"
import type { Flow, Scene } from "../World.js"

const params = (method: string, dice: Dice): unknown => {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: dice.pick(["2025-06-18", "2024-11-05", "x"]),
        capabilities: {},
        clientInfo: { name: "fuzz", version: "1" }
      }
    case "tools/call":
      return {
        name: dice.pick(["whoami", "list_notes", "add_note", "add_note", "nothing", "__proto__", "constructor"]),
        arguments: dice.chance(60) ? { text: dice.chance(50) ? dice.word(12) : Values.text(dice) } : Values.json(dice)
      }
    default:
      return dice.chance(50) ? {} : Values.json(dice)
  }
}

const methods = ["initialize", "tools/list", "tools/call", "tools/call", "tools/call", "ping", "resources/list"]
const others = [
  "notifications/initialized",
  "notifications/cancelled",
  "logging/setLevel",
  "completion/complete",
  "prompts/get",
  "nothing",
  "__proto__"
]

const ids = (dice: Dice): unknown =>
  dice.pick<unknown>([1, 0, -1, 1.5, "a", "", undefined, null, {}, "x".repeat(2_000), 2 ** 60])

const message = (dice: Dice): unknown => {
  if (dice.chance(5)) return Values.json(dice)
  const method = dice.chance(75) ? dice.pick(methods) : dice.pick(others)
  return { jsonrpc: "2.0", id: dice.chance(70) ? 1 : ids(dice), method, params: params(method, dice) }
}

const call = async ({ dice, send, world }: Scene) => {
  const held = world.tokens.peek(dice)?.access ?? world.access.peek(dice)?.token
  const token =
    held === undefined || dice.chance(10) ? Values.text(dice) : dice.chance(95) ? held : Values.altered(held, dice)
  const body = dice.chance(80)
    ? message(dice)
    : Array.from({ length: dice.pick([0, 1, 3, 8, 40]) }, () => message(dice))
  const headers = {
    authorization: `Bearer ${token}`,
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": "2025-06-18"
  }
  await send(sendJson("POST", "/mcp", body, headers))
}

export const flow: Flow = { name: "mcp", weight: 12, steps: 1, play: call }
