/** The user of an MCP client, over HTTP: serves an app, and logs in and consents whenever the client sends the user to a browser. */
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Username } from "../../../src/domain/Account.js"
import * as AuthLayer from "../../../src/layers/AuthLayer.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import type { SettingsOptions } from "../../../src/layers/settings/SettingsOptions.js"
import { Accounts } from "../../../src/services/accounts/Accounts.js"
import { Storage } from "../../../src/services/stores/Storage.js"
import * as TestClient from "../../../src/testing/TestClient.js"
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

/** The account of every test. */
export const person = { username: "ada", password: "correct horse battery" }

/** A storage in memory that two servers of a test share. */
export const sharedStorage = async () => {
  const kept = await Effect.runPromise(Effect.provide(Storage, Layer.fresh(MemoryStorage.layer)))
  const storage = Layer.succeed(Storage, kept)
  const services = (issuer: string, resources: SettingsOptions["resources"]) =>
    Layer.provide(AuthLayer.layerServices({ issuer, resources }), storage)
  return {
    storage,
    /** Creates the account at a server on this storage. */
    addAccount: (issuer: string) =>
      Effect.gen(function* () {
        const username = yield* Schema.decode(Username)(person.username)
        yield* (yield* Accounts).create({ username, password: Redacted.make(person.password) })
      }).pipe(Effect.provide(services(issuer, [])), Effect.runPromise),
    /** Returns an access token of the account, for a resource of a server on this storage. */
    token: (resource: SettingsOptions["resources"][number], scopes: ReadonlyArray<string>): Promise<string> =>
      TestClient.accessToken({ user: person.username, scopes }).pipe(
        Effect.provide(services(new URL(resource.uri).origin, [resource])),
        Effect.runPromise
      )
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

  constructor({ Provider, sdk }: (typeof lines)[number], url: string) {
    this.browser = new Browser(fetch, new URL(url).origin)
    this.provider = new Provider("http://127.0.0.1:9999/callback")
    this.#sdk = sdk
    this.#url = url
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
      const consent = isLogin ? await this.browser.submit(page, { fields: person }) : page
      const { sentTo } = await this.browser.submit(consent, { button: "allow" })
      await this.#sdk.finish(this.#url, this.provider, sentTo?.searchParams ?? new URLSearchParams())
      return attempt()
    }
  }

  /** Connects the client, and logs in. */
  readonly connect = (): Promise<Sdk.Connection> => this.attempt(() => this.#sdk.connect(this.#url, this.provider))
}
