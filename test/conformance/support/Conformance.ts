/**
 * Shared parts of the conformance tests. The name of each test is `"§section rule [CHECK-01]"`: the script that writes
 * `docs/conformance.md` reads the names, and the arguments of `apart`.
 */
import { expect } from "@effect/vitest"
import type { Browser, Page } from "../../flow/support/Browser.js"
import { type Client, type Parameters, redirectUri, type TestServer } from "../../flow/support/Server.js"

/** A sentence of the RFC that no test of the file covers, and the reason. */
export interface Apart {
  readonly section: string
  readonly requirement: string
  /** It does not apply to this server, the server differs on purpose, or other tests cover it. */
  readonly how: "not applicable" | "otherwise" | "elsewhere"
  readonly why: string
}

/** Names the sentences that the tests of a file leave out, for the table. It runs nothing. */
export const apart = (_: ReadonlyArray<Apart>): void => {}

export const confidential = { token_endpoint_auth_method: "client_secret_basic" }

export type Json = Readonly<Record<string, unknown>>

/** Returns the JSON of a response, and expects its status. */
export const json = async (answer: Response | Promise<Response>, status = 200): Promise<Json> => {
  const response = await answer
  expect(response.status).toBe(status)
  expect(response.headers.get("content-type")).toBe("application/json")
  return (await response.json()) as Json
}

/** Returns the attributes of a bearer challenge (RFC 9110 §11.6.1). */
export const challengeOf = (answer: Response): Readonly<Record<string, string>> => {
  const [, attributes = ""] = /^Bearer (.*)$/.exec(answer.headers.get("www-authenticate") ?? "") ?? []
  return Object.fromEntries(Array.from(attributes.matchAll(/(\w+)="([^"]*)"/g), ([, name, value]) => [name, value]))
}

/** A user who has allowed the client before, so that errors reach the client by redirect. */
export interface Acquainted {
  readonly client: Client
  readonly browser: Browser
  readonly open: (parameters?: Parameters) => Promise<Page>
}

export const acquainted = async (
  server: TestServer,
  metadata: Readonly<Record<string, unknown>> = {}
): Promise<Acquainted> => {
  const client = await server.register(metadata)
  const { browser, page } = await server.toConsent(client)
  await browser.submit(page, { button: "allow" })
  return { client, browser, open: async (parameters) => browser.open((await server.request(client, parameters)).url) }
}

/** The parameters with which the browser was sent back to the client. */
export const sentBack = ({ html, sentTo, status }: Page): Readonly<Record<string, string>> => {
  if (sentTo === undefined) throw new Error(`nobody was sent back: ${status}\n${html}`)
  expect(`${sentTo.origin}${sentTo.pathname}`).toBe(redirectUri)
  expect(sentTo.hash).toBe("")
  return Object.fromEntries(sentTo.searchParams)
}

/** What a person gets who says yes. */
export const allow = async (server: TestServer, client: Client, parameters: Parameters = {}) => {
  const { browser, page, verifier } = await server.toConsent(client, parameters)
  return { browser, verifier, answer: await browser.submit(page, { button: "allow" }) }
}

/** The answer to a registration. */
export const register = (server: TestServer, metadata: unknown) =>
  server.send("/register", {
    method: "POST",
    body: typeof metadata === "string" ? metadata : JSON.stringify(metadata),
    headers: { "content-type": "application/json" }
  })
