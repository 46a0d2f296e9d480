/** The user of an MCP client, over HTTP: serves an app, and logs in and consents whenever the client sends the user to a browser. */
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { McpProvider } from "../../e2e/support/McpProvider.js"
import * as Sdk from "../../e2e/support/Sdk.js"
import { Browser } from "./Browser.js"

/** An app on a port of this machine. */
export interface Served {
  readonly url: string
  readonly stop: () => Promise<void>
}

/** Serves the app that `make` returns for its own URL. */
export const serve = async (make: (url: string) => RequestListener | Promise<RequestListener>): Promise<Served> => {
  const listening: { listener: RequestListener } = { listener: (_, response) => response.writeHead(503).end() }
  const server = createServer((request, response) => listening.listener(request, response))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  listening.listener = await make(url)
  return {
    url,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

/**
 * A client that registers without refresh tokens: the 1.x line of the SDK answers a 403 with its refresh token, if it has one,
 * and no refresh widens a scope (RFC 6749 §6).
 */
class WithoutRefresh extends McpProvider {
  override get clientMetadata() {
    return { ...super.clientMetadata, grant_types: ["authorization_code"] }
  }
}

/** The lines of the SDK, and whether a client of that line can step up with a refresh token. */
export const lines = [
  { sdk: Sdk.v1, Provider: WithoutRefresh },
  { sdk: Sdk.v2, Provider: McpProvider }
] as const

/** A user with a client of one line of the SDK. */
export class McpUser {
  readonly browser: Browser
  readonly provider: McpProvider
  /** The scopes that the client has asked for, in order. */
  readonly asked: Array<string | null> = []
  readonly #sdk: Sdk.Sdk
  readonly #url: string
  readonly #person: { readonly username: string; readonly password: string }

  constructor({ Provider, sdk }: (typeof lines)[number], url: string, person: { username: string; password: string }) {
    this.browser = new Browser(fetch, new URL(url).origin)
    this.provider = new Provider("http://127.0.0.1:9999/callback")
    this.#sdk = sdk
    this.#url = url
    this.#person = person
  }

  /** Lets the client try; if it sends the user to the browser, the user logs in and allows all, and the client tries again. */
  readonly attempt = async <A>(attempt: () => Promise<A>): Promise<A> => {
    try {
      return await attempt()
    } catch (error) {
      const url = this.provider.sentTo
      if (!this.#sdk.isUnauthorized(error) || url === undefined) throw error
      this.provider.sentTo = undefined
      this.asked.push(url.searchParams.get("scope"))
      const page = await this.browser.open(url)
      const isLogin = page.document.querySelector("input[name=password]") !== null
      const consent = isLogin ? await this.browser.submit(page, { fields: this.#person }) : page
      const { sentTo } = await this.browser.submit(consent, { button: "allow" })
      await this.#sdk.finish(this.#url, this.provider, sentTo?.searchParams ?? new URLSearchParams())
      return attempt()
    }
  }

  /** Connects the client, and logs in. */
  readonly connect = (): Promise<Sdk.Connection> => this.attempt(() => this.#sdk.connect(this.#url, this.provider))
}
