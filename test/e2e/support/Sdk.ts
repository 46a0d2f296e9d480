/** The two lines of the official MCP SDK, behind the few calls that the tests make. */
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
  UnauthorizedError as UnauthorizedV2
} from "@modelcontextprotocol/client"
import { UnauthorizedError as UnauthorizedV1 } from "@modelcontextprotocol/sdk/client/auth.js"
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js"
import { StreamableHTTPClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import type { McpProvider } from "./McpProvider.js"

/** A connected client. */
export interface Connection {
  readonly tools: () => Promise<ReadonlyArray<string>>
  /** The text that a tool answers with. */
  readonly call: (name: string, args?: Record<string, unknown>) => Promise<string>
  readonly close: () => Promise<void>
}

/** A line of the SDK. */
export interface Sdk {
  readonly name: string
  /** Connects; fails with what `isUnauthorized` knows when a person has to log in first. */
  readonly connect: (url: string, provider: McpProvider) => Promise<Connection>
  readonly isUnauthorized: (error: unknown) => boolean
  /** Gives the client the answer of the authorization server. */
  readonly finish: (url: string, provider: McpProvider, answer: URLSearchParams) => Promise<void>
}

const information = { name: "latchkey-e2e", version: "1.0.0" }

const textOf = (result: unknown): string => {
  const { content, isError } = result as { content: ReadonlyArray<{ text?: string }>; isError?: boolean }
  const text = content.map((part) => part.text ?? "").join("")
  if (isError === true) throw new Error(text)
  return text
}

export const v1: Sdk = {
  name: "@modelcontextprotocol/sdk 1.x",
  connect: async (url, provider) => {
    const client = new ClientV1(information)
    await client.connect(
      new TransportV1(new URL(url), { authProvider: provider }) as Parameters<ClientV1["connect"]>[0]
    )
    return {
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      call: async (name, args = {}) => textOf(await client.callTool({ name, arguments: args })),
      close: () => client.close()
    }
  },
  isUnauthorized: (error) => error instanceof UnauthorizedV1,
  finish: (url, provider, answer) =>
    new TransportV1(new URL(url), { authProvider: provider }).finishAuth(answer.get("code") ?? "")
}

export const v2: Sdk = {
  name: "@modelcontextprotocol/client 2.x",
  connect: async (url, provider) => {
    const client = new ClientV2(information)
    await client.connect(new TransportV2(new URL(url), { authProvider: provider }))
    return {
      tools: async () => (await client.listTools()).tools.map(({ name }) => name),
      call: async (name, args = {}) => textOf(await client.callTool({ name, arguments: args })),
      close: () => client.close()
    }
  },
  isUnauthorized: (error) => error instanceof UnauthorizedV2,
  // Given all parameters, this line of the SDK checks `iss` (RFC 9207 §2.4).
  finish: (url, provider, answer) => new TransportV2(new URL(url), { authProvider: provider }).finishAuth(answer)
}
