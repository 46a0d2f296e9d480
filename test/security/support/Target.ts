/** A server under attack: an app on `NodeServer.serve`, on a loopback port, in this process. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import * as AdminApi from "../../../src/layers/AdminApi.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import * as NodeServer from "../../../src/layers/NodeServer.js"
import type { SettingsOptions } from "../../../src/layers/settings/SettingsOptions.js"
import * as AuthServer from "../../../src/layers/wiring/AuthServer.js"
import { MaintenanceSchedule } from "../../../src/services/maintenance/MaintenanceSchedule.js"
import type { Storage } from "../../../src/services/stores/Storage.js"
import type { Browser } from "../../flow/support/Browser.js"
import { make as observe } from "../../flow/support/Observed.js"
import {
  type AuthServices,
  type Client,
  type guarded,
  type Parameters,
  routesOf,
  TestServer
} from "../../flow/support/Server.js"
import { freePort } from "../../support/Cli.js"
import * as MutatingProxy from "./MutatingProxy.js"
import * as Raw from "./Raw.js"
import * as SteppedClock from "./SteppedClock.js"

/** How a target differs from the ordinary one. */
export interface Options {
  /** Settings of `AuthLayer`; rate limits are off unless they are given. */
  readonly settings?: Partial<SettingsOptions>
  /** The path of the issuer, such as `/t1`; none if not given. */
  readonly path?: string
  /** Resources as paths of the server's origin; `notes` if not given. */
  readonly resources?: (origin: string) => SettingsOptions["resources"]
  readonly storage?: Layer.Layer<Storage>
  /** Services in place of the standard ones. */
  readonly seams?: Layer.Layer<never>
  /** Routes of the app; if not given, one for each resource. */
  readonly routes?: (origin: string) => ReturnType<typeof guarded>
  /** Whether time passes only by `advance`, for checks of pauses that a busy machine would sleep through. */
  readonly isStopped?: boolean
  /** Whether to create the account `ada`; on the database of another server it exists already. */
  readonly account?: boolean
  /** Changes what passes between clients and the server. */
  readonly mutation?: MutatingProxy.Mutation
}

/** The ordinary resource. */
export const notesOf = (origin: string): SettingsOptions["resources"][number] => ({
  uri: `${origin}/notes`,
  scopes: { "notes:read": "Read your notes", "notes:write": "Write notes" }
})

/** A server behind a proxy that ends TLS: its own URLs are https. */
export const https: Options = {
  settings: {
    issuer: "https://auth.example",
    resources: [{ uri: "https://auth.example/notes", scopes: { read: "Read" } }]
  }
}

/** A server, with the clients and the user that attack it. It has one account, `ada`. */
export class Target extends TestServer {
  #others: Array<Target> = []
  #loggedIn: Promise<Browser> | undefined

  constructor(
    issuer: string,
    runtime: Runtime.Runtime<AuthServices>,
    resource: string,
    /** The port to attack. */
    readonly port: number,
    /** Everything that the server logged and traced. */
    readonly observed: ReturnType<typeof observe>,
    readonly setup: Options,
    readonly clock: SteppedClock.SteppedClock,
    readonly close: () => Promise<void>
  ) {
    super(issuer, (request) => fetch(request, { redirect: "manual" }), runtime, resource)
  }

  readonly origin = new URL(this.issuer).origin

  /** The host that a proxy in front forwards, if the issuer is not the port itself. */
  readonly #host = this.issuer.startsWith("https:") ? new URL(this.issuer).host : undefined

  /** Sends one raw request on a new connection. */
  readonly http = (request: Raw.Request, options?: Raw.ExchangeOptions) =>
    Raw.send(this.port, request, options, this.#host)

  /** Writes bytes to a connection, and returns everything that it received. */
  readonly bytes = (bytes: string | Buffer, options?: Raw.ExchangeOptions) => Raw.exchange(this.port, bytes, options)

  /** A new browser in which `ada` is logged in. All of them share one session. */
  readonly person = async (): Promise<Browser> => {
    this.#loggedIn ??= (async () => {
      const browser = this.browser()
      await this.logIn(browser, await browser.open(`${this.issuer}/account`))
      return browser
    })()
    return (await this.#loggedIn).clone()
  }

  /** Moves the clock of the server forward. */
  override readonly advance = async (duration: Duration.DurationInput) =>
    this.clock.advance(Duration.toMillis(duration))

  override readonly toConsent = async (client: Client, parameters: Parameters = {}) => {
    const browser = await this.person()
    const { url, verifier } = await this.request(client, { prompt: "consent", ...parameters })
    return { browser, page: await browser.open(url), verifier, url }
  }

  /** Starts another server with the options of this one, mutation included, and these. It is closed after the check. */
  readonly another = async (options: Options): Promise<Target> => {
    const { settings } = this.setup
    const target = await start({ ...this.setup, ...options, settings: { ...settings, ...options.settings } })
    this.#others.push(target)
    return target
  }

  /** Closes the servers that a check started beside this one. */
  readonly closeOthers = async () => {
    await Promise.all(this.#others.splice(0).map(({ close }) => close()))
  }
}

/** Starts a server. With a mutation, a proxy listens at the issuer's address. */
export const start = async (options: Options = {}): Promise<Target> => {
  const { mutation, path = "", resources = (origin) => [notesOf(origin)], routes, seams = Layer.empty } = options
  const port = await freePort()
  const proxy = mutation === undefined ? undefined : await MutatingProxy.open(mutation, () => port)
  const origin = `http://127.0.0.1:${proxy?.port ?? port}`
  const settings: SettingsOptions = {
    issuer: `${origin}${path}`,
    resources: resources(origin),
    rateLimits: "off",
    ...options.settings
  }
  let runtime: Runtime.Runtime<AuthServices> | undefined
  const captured = Layer.effectDiscard(
    Effect.map(Effect.runtime<AuthServices>(), (own) => {
      runtime = own
    })
  )
  const app = Layer.mergeAll(routes?.(origin) ?? routesOf(settings.resources), AdminApi.layer, captured).pipe(
    Layer.provideMerge(AuthServer.layer(settings)),
    Layer.provide(
      Layer.mergeAll(
        options.storage ?? Layer.fresh(MemoryStorage.layer),
        seams,
        // A check about deletion runs maintenance itself.
        Layer.succeed(MaintenanceSchedule, { firstAfter: Duration.infinity, interval: Duration.infinity })
      )
    )
  )
  const observed = observe()
  const clock = SteppedClock.make(options.isStopped ?? false)
  const scope = Effect.runSync(Scope.make())
  await Effect.runPromise(
    Layer.buildWithScope(NodeServer.serve(app, { host: "127.0.0.1", port, drain: "1 second" }), scope).pipe(
      Effect.provide(observed.layer),
      Effect.withClock(clock.clock)
    )
  )
  if (runtime === undefined) throw new Error("the services of the server are not known")
  const resource = settings.resources[0]?.uri ?? `${origin}/notes`
  const target = new Target(
    settings.issuer,
    runtime,
    resource,
    proxy?.port ?? port,
    observed,
    options,
    clock,
    async () => {
      await proxy?.close()
      await Effect.runPromise(Scope.close(scope, Exit.void))
    }
  )
  if (options.account ?? true) await target.addAccount("ada")
  return target
}
