/** A whole server in this process, with the test's clock and its own storage. */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import type * as Tracer from "effect/Tracer"
import * as oauth from "oauth4webapi"
import { Username } from "../../../src/domain/Account.js"
import { GrantId } from "../../../src/domain/Grant.js"
import * as Scope from "../../../src/domain/Scope.js"
import * as BearerAuth from "../../../src/http/guard/BearerAuth.js"
import type * as McpAuth from "../../../src/http/mcp/McpAuth.js"
import * as AdminApi from "../../../src/layers/AdminApi.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import * as Argon2 from "../../../src/layers/passwords/Argon2.js"
import type { SettingsOptions } from "../../../src/layers/settings/SettingsOptions.js"
import * as AuthServer from "../../../src/layers/wiring/AuthServer.js"
import { Accounts } from "../../../src/services/accounts/Accounts.js"
import { ClientRegistration } from "../../../src/services/clients/ClientRegistration.js"
import * as BulkRevocation from "../../../src/services/grants/BulkRevocation.js"
import { MaintenanceSchedule } from "../../../src/services/maintenance/MaintenanceSchedule.js"
import { BatchPace } from "../../../src/services/stores/Batches.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { Storage } from "../../../src/services/stores/Storage.js"
import { CurrentAccess } from "../../../src/services/tokens/CurrentAccess.js"
import { Browser, type Page } from "./Browser.js"

export const issuer = "http://127.0.0.1:9400"
export const resource = `${issuer}/notes`
export const redirectUri = "https://client.example/callback"
export const password = "correct horse battery"

/** The time at which a test starts: mid-2026, so that times in tokens and logs are realistic. */
export const start = Date.UTC(2026, 5, 1)

/** The heading of the consent page, for a request for `resource` by a client with the default name. */
export const consentHeading = `Test client wants to access ${resource}`

export const notes = { uri: resource, scopes: { "notes:read": "Read your notes", "notes:write": "Write notes" } }
export const files = { uri: `${issuer}/files`, scopes: { "files:read": "Read your files" } }

/** A route that answers with the access of its caller. */
export const guarded = (path: HttpLayerRouter.PathInput, options: BearerAuth.Options) =>
  HttpLayerRouter.add(
    "*",
    path,
    Effect.map(CurrentAccess, ({ clientId, scope, subject }) =>
      HttpServerResponse.unsafeJson({ subject, clientId, scope: Scope.format(scope) })
    )
  ).pipe(Layer.provide(BearerAuth.layer(options)))

/** The header in which a test names the address of a request: requests of the Fetch standard have none. */
const peerHeader = "x-test-peer"

/** Gives each request the address that `peerHeader` names. */
const withPeer = <A, E, R>(handler: Effect.Effect<A, E, R>) =>
  Effect.updateService(handler, HttpServerRequest.HttpServerRequest, (request) => {
    const peer = request.headers[peerHeader]
    return peer === undefined ? request : request.modify({ remoteAddress: peer })
  })

/** The parts that a test replaces; everything else is as an app gets it. */
export interface Options {
  readonly settings?: Partial<SettingsOptions>
  /** The app's own services, in place of the standard ones. */
  readonly seams?: Layer.Layer<never>
  readonly storage?: Layer.Layer<Storage>
  /** The app's own routes, in place of `routesOf`. */
  readonly routes?: Layer.Layer<
    never,
    BearerAuth.UnknownResource | BearerAuth.UnknownScope | McpAuth.UnknownTool,
    AuthServices | HttpLayerRouter.HttpRouter
  >
  /** Whether maintenance runs by itself; without it a test can advance the clock by months in one step. */
  readonly maintenance?: boolean
  /** Whether it is a second server on the same storage, which has the account already. */
  readonly isSecond?: boolean
  /** Whether it has the account and admin API. */
  readonly api?: boolean
  /** Gets every log message. */
  readonly logger?: Logger.Logger<unknown, void>
  /** Gets the spans, as an app's own tracer does. */
  readonly tracer?: Tracer.Tracer
}

/** One route for each resource; it requires the first of its scopes. */
export const routesOf = (resources: SettingsOptions["resources"]) =>
  resources
    .map(({ scopes, uri }) =>
      guarded(new URL(uri).pathname as `/${string}`, { resource: uri, scopes: Object.keys(scopes).slice(0, 1) })
    )
    .reduce((left, right) => Layer.merge(left, right))

/** Batches without pauses, because the test's clock does not move by itself. */
const withoutPauses = Context.make(BatchPace, { size: 10, maxBatches: 1_000, pause: Duration.zero }).pipe(
  Context.add(BulkRevocation.Pace, { size: 50, pause: Duration.zero, retryAfter: Duration.millis(1) })
)

/** Hashes at the lowest cost: no rule but those of a few tests depends on the time of a hash, and these tests set their own. */
const cheapHashes = Argon2.layer({ memoryCost: 8, timeCost: 1 })

/**
 * The storage of a test has the same master key in each run. The buckets of failed logins depend on the key, so two of them
 * never happen to be one in some run only.
 */
const memoryStorage = Layer.effect(
  Storage,
  Effect.map(Storage, (storage) => Storage.of({ ...storage, masterKey: Redacted.make(new Uint8Array(32).fill(1)) }))
).pipe(Layer.provide(Layer.fresh(MemoryStorage.layer)))

/** Starts a server with one account, `ada`. */
export const make = ({
  api = false,
  routes,
  seams = Layer.empty,
  settings = {},
  maintenance = false,
  isSecond = false,
  storage = Layer.fresh(memoryStorage)
}: Options = {}) =>
  Effect.gen(function* () {
    // A second server keeps the time of the first.
    if ((yield* Clock.currentTimeMillis) < start) yield* TestClock.setTime(start)
    const options: SettingsOptions = { issuer, resources: [notes], ...settings }
    const schedule = maintenance
      ? Layer.empty
      : Layer.succeed(MaintenanceSchedule, { firstAfter: Duration.infinity, interval: Duration.infinity })
    const app = Layer.provideMerge(
      Layer.merge(routes ?? routesOf(options.resources), api ? AdminApi.layer : Layer.empty),
      AuthServer.layer(options)
    )
    const router = yield* Layer.build(
      Layer.provideMerge(
        Layer.provide(app, Layer.mergeAll(storage, cheapHashes, seams, schedule, Layer.succeedContext(withoutPauses))),
        HttpLayerRouter.layer
      )
    )
    // The endpoints answer every other error; only the router's 404 is left.
    // @effect-diagnostics anyUnknownInErrorContext:off unsafeEffectTypeAssertion:off
    const handler = Context.get(router, HttpLayerRouter.HttpRouter).asHttpEffect()
    const services = router as Context.Context<AuthServices>
    const runtime = (yield* Effect.runtime<never>()).pipe(
      Runtime.updateContext(() => Context.merge(services, withoutPauses)),
      // As every server of this project sets it.
      Runtime.setFiberRef(HttpMiddleware.currentTracerDisabledWhen, () => true)
    )
    const webHandler = HttpApp.toWebHandlerRuntime(runtime)(withPeer(handler as HttpApp.Default))
    const server = new TestServer(options.issuer, (request: Request) => webHandler(request), runtime)
    if (!isSecond) yield* Effect.promise(() => server.addAccount("ada"))
    return server
  })

/** A test of one rule, against its own server. */
export const test = (title: string, rule: (server: TestServer) => Promise<unknown>, options: Options = {}) =>
  it.scoped(title, () => {
    const { logger = Logger.none, tracer } = options
    return Effect.flatMap(make(options), (server) => Effect.promise(() => rule(server))).pipe(
      Effect.provide(
        Layer.mergeAll(
          Logger.add(logger),
          Logger.minimumLogLevel(LogLevel.All),
          tracer === undefined ? Layer.empty : Layer.setTracer(tracer)
        )
      )
    )
  })

export type AuthServices = AuthServer.Services

export type Client = oauth.Client

/** Parameters of a request: a list repeats its name, and an undefined value is left out. */
export type Parameters = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

export const toSearchParams = (parameters: Parameters): URLSearchParams => {
  const form = new URLSearchParams()
  for (const [name, values = []] of Object.entries(parameters)) {
    for (const value of [values].flat()) form.append(name, value)
  }
  return form
}

/** The tokens of a client after an authorization. */
export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly scope: string
  readonly expires_in: number
}

/** A code that was not redeemed yet, and its verifier. */
export interface Code {
  readonly code: string
  readonly verifier: string
}

/** A response as one line: its status, and the error if it has one. */
export const outcome = async (answer: Response | Promise<Response>): Promise<string> => {
  const response = await answer
  const isJson = response.headers.get("content-type") === "application/json"
  const { error } = (isJson ? await response.json() : {}) as { readonly error?: string }
  return error === undefined ? `${response.status}` : `${response.status} ${error}`
}

/** A header of HTTP Basic authentication. */
export const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`
})

export class TestServer {
  constructor(
    readonly issuer: string,
    readonly fetch: (request: Request) => Promise<Response>,
    readonly runtime: Runtime.Runtime<AuthServices>,
    /** The resource that authorization requests name. */
    readonly resource: string = notes.uri
  ) {}

  /** Runs an effect with the services of the server, and its clock. */
  readonly run = <A, E>(effect: Effect.Effect<A, E, AuthServices>): Promise<A> =>
    Runtime.runPromise(this.runtime)(effect)

  /** The same server, with requests from an address. */
  readonly from = (address: string): TestServer =>
    new TestServer(
      this.issuer,
      (request) => {
        const sent = new Request(request)
        sent.headers.set(peerHeader, address)
        return this.fetch(sent)
      },
      this.runtime,
      this.resource
    )

  readonly advance = (duration: Duration.DurationInput) => this.run(TestClock.adjust(duration))

  readonly addAccount = (name: string, itsPassword = password) =>
    this.run(
      Effect.gen(function* () {
        const username = yield* Schema.decode(Username)(name)
        return yield* (yield* Accounts).create({ username, password: Redacted.make(itsPassword) })
      })
    )

  /** The stored grant of a code or of a refresh token. */
  readonly grant = (token: string) =>
    this.run(
      Effect.gen(function* () {
        const id = yield* Schema.decode(GrantId)(token.slice(6, 32))
        return Option.getOrThrow(yield* (yield* GrantStore).find(id))
      })
    )

  readonly browser = () => new Browser(this.fetch, new URL(this.issuer).origin)

  /** Sends a request to a path of the issuer, or to a URL. */
  readonly send = (target: string, init: RequestInit = {}) =>
    this.fetch(
      new Request(target.startsWith("/") ? `${this.issuer}${target}` : target, { redirect: "manual", ...init })
    )

  readonly post = (target: string, parameters: Parameters, headers: Readonly<Record<string, string>> = {}) =>
    this.send(target, { method: "POST", body: toSearchParams(parameters), headers })

  /** The options with which oauth4webapi calls this server. */
  readonly options = {
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url: string, init: object) => this.fetch(new Request(url, init))
  }

  readonly discover = async (): Promise<oauth.AuthorizationServer> => {
    const issuer = new URL(this.issuer)
    return oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...this.options })
    )
  }

  readonly register = async (metadata: Readonly<Record<string, unknown>> = {}): Promise<Client> => {
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

  /** Creates a client as the operator does: by default a confidential one for client_credentials. */
  readonly addClient = (metadata: Readonly<Record<string, unknown>> = {}): Promise<Client> =>
    this.run(
      Effect.gen(function* () {
        const own = { grant_types: ["client_credentials"], scope: "notes:read notes:write" }
        const { client, secret } = yield* (yield* ClientRegistration).create({ ...own, ...metadata })
        return {
          client_id: client.id,
          token_endpoint_auth_method: client.metadata.token_endpoint_auth_method,
          ...(Option.isSome(secret) ? { client_secret: Redacted.value(secret.value) } : {})
        }
      })
    )

  /** An authorization request of a client, and the verifier of its challenge. */
  readonly request = async (client: Client, parameters: Parameters = {}) => {
    const verifier = oauth.generateRandomCodeVerifier()
    const url = new URL(`${this.issuer}/authorize`)
    url.search = toSearchParams({
      response_type: "code",
      client_id: client.client_id,
      redirect_uri: redirectUri,
      scope: "notes:read notes:write",
      state: "the state",
      resource: this.resource,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...parameters
    }).toString()
    return { url, verifier }
  }

  readonly logIn = (browser: Browser, page: Page, username = "ada") =>
    browser.submit(page, { fields: { username, password } })

  /** Logs in with a new browser and returns the page that answers an authorization request. */
  readonly toConsent = async (client: Client, parameters: Parameters = {}) => {
    const browser = this.browser()
    // The page asks again, whatever the user allowed before.
    const { url, verifier } = await this.request(client, { prompt: "consent", ...parameters })
    const page = await this.logIn(browser, await browser.open(url))
    return { browser, page, verifier, url }
  }

  /** A new code, and its verifier. */
  readonly code = async (client: Client, parameters: Parameters = {}): Promise<Code> => {
    const { browser, page, verifier } = await this.toConsent(client, parameters)
    const { sentTo } = await browser.submit(page, { button: "allow" })
    const code = sentTo?.searchParams.get("code")
    if (code === null || code === undefined) throw new Error(`no code in ${sentTo}`)
    return { code, verifier }
  }

  /** Sends a client's request to an endpoint, with the client authentication that it registered. */
  readonly ask = (path: string, client: Client, parameters: Parameters) => {
    const secret = typeof client.client_secret === "string" ? client.client_secret : ""
    switch (client.token_endpoint_auth_method) {
      case "client_secret_basic":
        return this.post(path, parameters, basic(client.client_id, secret))
      case "client_secret_post":
        return this.post(path, { client_id: client.client_id, client_secret: secret, ...parameters })
      default:
        return this.post(path, { client_id: client.client_id, ...parameters })
    }
  }

  readonly token = (client: Client, parameters: Parameters) => this.ask("/token", client, parameters)

  readonly redeem = (client: Client, { code, verifier }: Code, parameters: Parameters = {}) =>
    this.token(client, {
      grant_type: "authorization_code",
      code,
      code_verifier: verifier,
      redirect_uri: redirectUri,
      ...parameters
    })

  readonly refresh = (client: Client, refreshToken: string, parameters: Parameters = {}) =>
    this.token(client, { grant_type: "refresh_token", refresh_token: refreshToken, ...parameters })

  readonly tokens = async (client: Client, parameters: Parameters = {}): Promise<Tokens> =>
    tokensOf(await this.redeem(client, await this.code(client, parameters)))

  /** Calls the guarded route of a resource. */
  readonly call = (token: string | undefined, uri = this.resource) =>
    this.fetch(new Request(uri, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }))
}

/** The tokens of a successful response. */
export const tokensOf = async (answer: Response | Promise<Response>): Promise<Tokens> => {
  const response = await answer
  if (response.status !== 200) throw new Error(`no tokens: ${response.status} ${await response.text()}`)
  return (await response.json()) as Tokens
}
