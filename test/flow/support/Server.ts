/** A whole server in this process, with the test's clock and a store of its own. */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as oauth from "oauth4webapi"
import { Username } from "../../../src/domain/Account.js"
import * as Scope from "../../../src/domain/Scope.js"
import * as BearerAuth from "../../../src/http/BearerAuth.js"
import * as AuthLayer from "../../../src/layers/AuthLayer.js"
import * as MemoryStore from "../../../src/layers/MemoryStore.js"
import type { SettingsOptions } from "../../../src/layers/SettingsOptions.js"
import { Accounts } from "../../../src/services/Accounts.js"
import { CurrentAccess } from "../../../src/services/CurrentAccess.js"
import { Browser, type Page } from "./Browser.js"

export const issuer = "http://127.0.0.1:9400"
export const resource = `${issuer}/notes`
export const redirectUri = "https://client.example/callback"
export const password = "correct horse battery"

/** Mid-2026: tokens and logs hold times that look like times. */
export const start = Date.UTC(2026, 5, 1)

const notes = HttpLayerRouter.add(
  "*",
  "/notes",
  Effect.map(CurrentAccess, ({ clientId, scope, subject }) =>
    HttpServerResponse.unsafeJson({ subject, clientId, scope: Scope.format(scope) })
  )
).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))

export const defaults: SettingsOptions = {
  issuer,
  resources: [{ uri: resource, scopes: { "notes:read": "Read your notes", "notes:write": "Write notes" } }]
}

/** Starts a server with one account, `ada`. */
export const make = (options: Partial<SettingsOptions> = {}, storage = Layer.fresh(MemoryStore.layer)) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(start)
    const app = Layer.provideMerge(notes, AuthLayer.layer({ ...defaults, ...options })).pipe(Layer.provide(storage))
    const router = yield* Layer.build(Layer.provideMerge(app, HttpLayerRouter.layer))
    // Every error has been answered by the endpoints; what is left is the router's 404.
    // @effect-diagnostics anyUnknownInErrorContext:off unsafeEffectTypeAssertion:off
    const handler = Context.get(router, HttpLayerRouter.HttpRouter).asHttpEffect()
    const runtime = yield* Effect.runtime<never>()
    const webHandler = HttpApp.toWebHandlerRuntime(runtime)(handler as HttpApp.Default)
    const fetch = (request: Request) => webHandler(request)

    yield* Context.get(router, Accounts).create({
      username: yield* Schema.decode(Username)("ada"),
      password: Redacted.make(password)
    })
    return new TestServer(fetch, router as Context.Context<AuthServices>)
  })

type AuthServices = Layer.Layer.Success<ReturnType<typeof AuthLayer.layerServices>>

/** What a client holds after an authorization. */
export interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string
  readonly scope?: string
  readonly expires_in?: number
}

export class TestServer {
  constructor(
    readonly fetch: (request: Request) => Promise<Response>,
    readonly services: Context.Context<AuthServices>
  ) {}

  readonly browser = () => new Browser(this.fetch, issuer)

  /** What oauth4webapi calls through. */
  readonly options = {
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url: string, init: object) => this.fetch(new Request(url, init))
  }

  readonly discover = async (): Promise<oauth.AuthorizationServer> =>
    oauth.processDiscoveryResponse(
      new URL(issuer),
      await oauth.discoveryRequest(new URL(issuer), { algorithm: "oauth2", ...this.options })
    )

  readonly post = (path: string, body: Readonly<Record<string, string>> | URLSearchParams, headers = {}) =>
    this.fetch(new Request(`${issuer}${path}`, { method: "POST", body: new URLSearchParams(body), headers }))

  readonly register = async (metadata: Readonly<Record<string, unknown>> = {}): Promise<oauth.Client> => {
    const response = await oauth.dynamicClientRegistrationRequest(
      await this.discover(),
      {
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        client_name: "Test client",
        ...metadata
      },
      this.options
    )
    return oauth.processDynamicClientRegistrationResponse(response)
  }

  /** An authorization request of a client, and the verifier to its challenge. */
  readonly request = async (client: oauth.Client, parameters: Readonly<Record<string, string | undefined>> = {}) => {
    const verifier = oauth.generateRandomCodeVerifier()
    const url = new URL(`${issuer}/authorize`)
    const all: Readonly<Record<string, string | undefined>> = {
      response_type: "code",
      client_id: client.client_id,
      redirect_uri: redirectUri,
      scope: "notes:read notes:write",
      state: "the state",
      resource,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...parameters
    }
    for (const [name, value] of Object.entries(all)) if (value !== undefined) url.searchParams.set(name, value)
    return { url, verifier }
  }

  readonly logIn = (browser: Browser, page: Page) => browser.submit(page, { fields: { username: "ada", password } })

  /** Walks a new browser, logged in, to the consent page of a request. */
  readonly toConsent = async (client: oauth.Client, parameters: Readonly<Record<string, string | undefined>> = {}) => {
    const browser = this.browser()
    const { url, verifier } = await this.request(client, parameters)
    const page = await this.logIn(browser, await browser.open(url))
    return { browser, page, verifier, url }
  }

  /** A code that waits to be redeemed, and the verifier that goes with it. */
  readonly code = async (client: oauth.Client, parameters: Readonly<Record<string, string | undefined>> = {}) => {
    const { browser, page, verifier } = await this.toConsent(client, parameters)
    const { sentTo } = await browser.submit(page, { button: "allow" })
    const code = sentTo?.searchParams.get("code")
    if (code === null || code === undefined) throw new Error(`there is no code in ${sentTo}`)
    return { code, verifier, browser }
  }

  /** The form of a code's redemption by a public client. */
  readonly redemption = (client: oauth.Client, code: string, verifier: string) => ({
    grant_type: "authorization_code",
    client_id: client.client_id,
    code,
    code_verifier: verifier,
    redirect_uri: redirectUri
  })

  readonly tokens = async (
    client: oauth.Client,
    parameters: Readonly<Record<string, string | undefined>> = {}
  ): Promise<Tokens> => {
    const { code, verifier } = await this.code(client, parameters)
    const response = await this.post("/token", this.redemption(client, code, verifier))
    return (await response.json()) as Tokens
  }

  readonly refresh = (
    client: oauth.Client,
    refreshToken: string | undefined,
    more: Readonly<Record<string, string>> = {}
  ) =>
    this.post("/token", {
      grant_type: "refresh_token",
      client_id: client.client_id,
      refresh_token: refreshToken ?? "",
      ...more
    })

  /** Calls the guarded route. */
  readonly call = (token: string | undefined) =>
    this.fetch(new Request(resource, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }))
}
