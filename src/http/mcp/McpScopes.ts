/**
 * The scopes that single operations of an MCP server need, in a table by the names of its tools and prompts and by the methods
 * of MCP (MCP 2026-07-28, Authorization, Scope Challenge Handling).
 *
 * @example
 * import * as McpScopes from "./McpScopes.js"
 *
 * const table = { tools: { add_note: ["notes:write"] } }
 * const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "add_note" } }
 *
 * McpScopes.needed(table, call) // ["notes:write"]
 */
import * as SimilarName from "../../domain/SimilarName.js"
import * as JsonRpc from "./JsonRpc.js"

type Scopes = Readonly<Record<string, ReadonlyArray<string> | undefined>>

/** The scopes that operations need in addition to the scopes of the guard. An operation that it does not name needs no more. */
export interface Operations {
  /** The scopes of a tool, by its name, such as `{ add_note: ["notes:write"] }`. */
  readonly tools?: Scopes | undefined
  /** The scopes of a prompt, by its name. */
  readonly prompts?: Scopes | undefined
  /**
   * The scopes of a method, by its name, such as `{ "resources/read": ["files:read"] }`. There is no table of single resources,
   * because many spellings of a URI name one resource.
   */
  readonly methods?: Scopes | undefined
}

const scopesAt = (scopes: Scopes = {}, name: unknown): ReadonlyArray<string> =>
  typeof name === "string" && Object.hasOwn(scopes, name) ? (scopes[name] ?? []) : []

/** Returns the name of the prompt that a message concerns: it gets the prompt, or completes an argument of it. */
const promptOf = (method: unknown, params: JsonRpc.Json): unknown => {
  if (method === "prompts/get") return params.name
  return method === "completion/complete" && JsonRpc.isObject(params.ref) && params.ref.type === "ref/prompt"
    ? params.ref.name
    : undefined
}

const neededBy = ({ methods, prompts, tools }: Operations, message: unknown): ReadonlyArray<string> => {
  if (!JsonRpc.isObject(message)) return []
  const { method } = message
  const params = JsonRpc.isObject(message.params) ? message.params : {}
  return [
    ...scopesAt(methods, method),
    ...scopesAt(tools, method === "tools/call" ? params.name : undefined),
    ...scopesAt(prompts, promptOf(method, params))
  ]
}

/** Returns the scopes that a message needs, or all messages of a batch together. `body` is the parsed body of a request. */
export const needed = (operations: Operations, body: unknown): ReadonlyArray<string> => {
  if (!Array.isArray(body)) return neededBy(operations, body)
  return Array.from(new Set(body.flatMap((message) => neededBy(operations, message))))
}

/** Returns all scopes of a table. */
export const all = ({ methods = {}, prompts = {}, tools = {} }: Operations): ReadonlyArray<string> =>
  Array.from(
    new Set([tools, prompts, methods].flatMap((scopes) => Object.values(scopes).flatMap((needed) => needed ?? [])))
  )

/** Returns whether a table has an entry, so that the body of a request has to be read. */
export const isEmpty = (operations: Operations): boolean => all(operations).length === 0

/** Returns a sentence that names the tools of a table that a server does not have; `undefined` if it has all of them. */
export const unknownTools = ({ tools = {} }: Operations, existing: ReadonlyArray<string>): string | undefined => {
  const unknown = Object.keys(tools).filter((name) => !existing.includes(name))
  if (unknown.length === 0) return undefined
  const named = unknown.map((name) => {
    const nearest = SimilarName.nearest(name, existing)
    return nearest === undefined ? `"${name}"` : `"${name}" (did you mean "${nearest}"?)`
  })
  return `there is no tool ${named.join(", ")}; the tools are ${existing.join(", ")}`
}
