/** `latchkey serve`: runs a server until it is stopped. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Resource from "../../domain/Resource.js"
import * as FirstAccountEndpoint from "../../http/browser/FirstAccountEndpoint.js"
import * as HomeEndpoint from "../../http/browser/HomeEndpoint.js"
import * as NodeServer from "../../layers/NodeServer.js"
import * as AuthServer from "../../layers/wiring/AuthServer.js"
import * as FirstAccount from "../../services/accounts/FirstAccount.js"
import { Resources } from "../../services/resources/Resources.js"
import * as ConfigFile from "../settings/ConfigFile.js"
import * as DatabaseLayer from "../settings/DatabaseLayer.js"
import * as LibraryOptions from "../settings/LibraryOptions.js"
import * as MasterKey from "../settings/MasterKey.js"
import * as Refusals from "../settings/Refusals.js"
import * as Setting from "../settings/Setting.js"
import * as Settings from "../settings/Settings.js"
import type * as Sources from "../settings/Sources.js"
import * as Target from "../settings/Target.js"
import * as Variables from "../settings/Variables.js"
import { badUsage } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as AccessLog from "./AccessLog.js"
import * as FirstAccountLink from "./FirstAccountLink.js"
import * as Welcome from "./Welcome.js"

const demo = Options.boolean("demo").pipe(
  Options.withDescription("Also run a small MCP server that stores notes and is protected by this server")
)

const api = Options.boolean("api").pipe(
  Options.withDescription("Also serve the account and admin API at /api; --demo implies it [env: LATCHKEY_API=on]")
)

const newIssuer = Options.boolean("new-issuer").pipe(
  Options.withDescription("Use a database that has only other issuers; their rows stay unchanged")
)

const firstAccountHint =
  "To create the first account, open the link that the server printed when it started: on its terminal, or in the file that it named there. The command `latchkey user create NAME` creates one too."

/** Loads the modules of the demo only if it is used. */
const loadDemo = (isWanted: boolean) =>
  Effect.promise(async () => (isWanted ? await import("../demo/Demo.js") : undefined))

/** Loads the API only if it is used: its description is megabytes in size. */
const loadApi = (isWanted: boolean) =>
  Effect.promise(async () => (isWanted ? (await import("../../layers/AdminApi.js")).layerWithAddress : Layer.empty))

/** Loads the Redis client only if it is used. */
const loadRateLimiter = (url: Settings.Settings["redisUrl"]) =>
  Effect.promise(async () =>
    url === undefined ? Layer.empty : (await import("../../layers/RedisRateLimiter.js")).layer({ url })
  )

const start = (flags: Sources.Flags & { readonly api: boolean; readonly demo: boolean; readonly newIssuer: boolean }) =>
  Effect.gen(function* () {
    const target = yield* Target.load(flags)
    const { address, issuer, settings } = target
    const demo = yield* loadDemo(flags.demo)
    const hasApi = flags.demo || flags.api || settings.api === "on"
    const apiLayer = yield* loadApi(hasApi)
    const options = yield* LibraryOptions.options(target)
    const timeouts = yield* LibraryOptions.timeouts(settings)
    const demos = demo === undefined ? [] : [demo.resource(issuer)]
    const auth = AuthServer.layer({ issuer, ...options, resources: [...demos, ...options.resources] }).pipe(
      Layer.provide(yield* loadRateLimiter(settings.redisUrl))
    )
    const isKeyInFile = (yield* MasterKey.read(settings)) === undefined
    const app = Layer.mergeAll(
      AccessLog.layer,
      HomeEndpoint.layer({ firstAccountHint }),
      FirstAccountEndpoint.layer,
      apiLayer,
      demo === undefined ? Layer.empty : demo.layer(issuer)
    ).pipe(Layer.provideMerge(FirstAccount.layer), Layer.provideMerge(auth))

    const welcome = Layer.scopedDiscard(
      Effect.gen(function* () {
        const firstAccount = yield* FirstAccountLink.offer(target)
        const resources = Resource.listed(yield* (yield* Resources).all)
        yield* Output.print(Welcome.text({ target, isKeyInFile, firstAccount, demo: demos[0]?.uri, resources, hasApi }))
      })
    )
    yield* Variables.warnOfIgnored
    yield* ConfigFile.warnIfExposed
    return yield* welcome.pipe(
      Layer.provide(NodeServer.serve(app, { ...address, ...timeouts, webSockets: false, logAddress: false })),
      // The database closes after everything that uses it.
      Layer.provide(DatabaseLayer.layerFor(target, flags.newIssuer)),
      Layer.launch,
      Effect.catchTags({
        ...Refusals.ofStorage(target),
        ClockWentBack: Refusals.clockWentBack(target),
        ListenError: Refusals.listenError,
        InvalidRedisUrl: ({ message }) => badUsage(`${Setting.variableOf(Settings.named("redisUrl"))}: ${message}`)
      })
    )
  })

export const serve = Command.make("serve", { ...Target.forServer, api, demo, newIssuer }, start).pipe(
  Command.withDescription("Run an authorization server")
)
