/**
 * What the conformance tests share. Each is named `"§section what must hold [CHECK-01]"`: the script that writes
 * `docs/conformance.md` reads the names, and what stands in `apart`.
 */
import { expect } from "@effect/vitest"
import type { Browser, Page } from "../../flow/support/Browser.js"
import { type Client, type Parameters, redirectUri, type TestServer } from "../../flow/support/Server.js"

/** A sentence of the RFC that no test here answers, and why. */
export interface Apart {
  readonly section: string
  readonly requirement: string
  /** It is no matter of this server, it is answered otherwise on purpose, or other tests show it. */
  readonly how: "not applicable" | "otherwise" | "elsewhere"
  readonly why: string
}

/** Names what the tests of a file leave out. Nothing runs: the table shows it. */
export const apart = (_: ReadonlyArray<Apart>): void => {}

export const confidential = { token_endpoint_auth_method: "client_secret_basic" }

export type Json = Readonly<Record<string, unknown>>

/** The JSON of an answer of this status. */
export const json = async (answer: Response | Promise<Response>, status = 200): Promise<Json> => {
  const response = await answer
  expect(response.status).toBe(status)
  expect(response.headers.get("content-type")).toBe("application/json")
  return (await response.json()) as Json
}

/** The attributes of a bearer challenge (RFC 9110 §11.6.1). */
export const challengeOf = (answer: Response): Readonly<Record<string, string>> => {
  const [, attributes = ""] = /^Bearer (.*)$/.exec(answer.headers.get("www-authenticate") ?? "") ?? []
  return Object.fromEntries(Array.from(attributes.matchAll(/(\w+)="([^"]*)"/g), ([, name, value]) => [name, value]))
}

/** Somebody who has allowed the client before, so that errors reach it by redirect. */
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
