/** The server of `latchkey serve`, in one process: alone, or as one of several workers. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Resource from "../../domain/Resource.js"
import * as FirstAccountEndpoint from "../../http/browser/FirstAccountEndpoint.js"
import * as HomeEndpoint from "../../http/browser/HomeEndpoint.js"
import * as StartWarnings from "../../layers/files/StartWarnings.js"
import * as NodeServer from "../../layers/NodeServer.js"
import * as AuthServer from "../../layers/wiring/AuthServer.js"
import * as MaintenanceSchedule from "../../services/maintenance/MaintenanceSchedule.js"
import { Resources } from "../../services/resources/Resources.js"
import * as ConfigFile from "../settings/ConfigFile.js"
import * as DatabaseLayer from "../settings/DatabaseLayer.js"
import * as LibraryOptions from "../settings/LibraryOptions.js"
import * as MasterKey from "../settings/MasterKey.js"
import * as Refusals from "../settings/Refusals.js"
import * as Setting from "../settings/Setting.js"
import * as Settings from "../settings/Settings.js"
import type * as Target from "../settings/Target.js"
import * as Variables from "../settings/Variables.js"
import { badUsage } from "../terminal/Failure.js"
import * as AccessLog from "./AccessLog.js"
import * as FirstAccountLink from "./FirstAccountLink.js"
import type { Part } from "./Part.js"
import * as Welcome from "./Welcome.js"
import * as YoungGeneration from "./YoungGeneration.js"

/** The options of `serve` that are no settings. */
export interface Options {
  readonly api: boolean
  readonly demo: boolean
  readonly newIssuer: boolean
}

const firstAccountHint =
  "To create the first account, open the link that the server printed when it started: on its terminal, or in the file that it named there. The command `latchkey user create NAME` creates one too."

/** Loads the modules of the demo only if it is used. */
const loadDemo = (isWanted: boolean) =>
  Effect.promise(async () => (isWanted ? await import("../demo/Demo.js") : undefined))

/** Loads the API only if it is used: its description is megabytes in size. */
const loadApi = (isWanted: boolean) =>
  Effect.promise(async () => (isWanted ? (await import("../../layers/AdminApi.js")).layerWithAddress : Layer.empty))

/** Loads the Redis client only if it is used. */
const loadRateLimiter = (url: Settings.Settings["redisUrl"], { rateLimiter }: Part) =>
  Effect.promise(async () =>
    url === undefined ? (rateLimiter ?? Layer.empty) : (await import("../../layers/RedisRateLimiter.js")).layer({ url })
  )

/** Runs a server until it is stopped. */
export const run = (target: Target.Target, flags: Options, part: Part) =>
  Effect.gen(function* () {
    const { address, issuer, settings } = target
    const demo = yield* loadDemo(flags.demo)
    const hasApi = flags.demo || flags.api || settings.api === "on"
    const apiLayer = yield* loadApi(hasApi)
    const options = yield* LibraryOptions.options(target)
    const timeouts = yield* LibraryOptions.timeouts(settings)
    const demos = demo === undefined ? [] : [demo.resource(issuer)]
    const auth = AuthServer.layer({ issuer, ...options, resources: [...demos, ...options.resources] }).pipe(
      Layer.provide(yield* loadRateLimiter(settings.redisUrl, part)),
      Layer.provide(part.leads ? Layer.empty : MaintenanceSchedule.layerNever)
    )
    const isKeyInFile = (yield* MasterKey.read(settings)) === undefined
    const app = Layer.mergeAll(
      AccessLog.layer,
      HomeEndpoint.layer({ firstAccountHint }),
      FirstAccountEndpoint.layer,
      apiLayer,
      demo === undefined ? Layer.empty : demo.layer(issuer)
    ).pipe(Layer.provideMerge(part.firstAccount), Layer.provideMerge(auth))

    const welcome = Effect.gen(function* () {
      const firstAccount = yield* FirstAccountLink.offer(target)
      const resources = Resource.listed(yield* (yield* Resources).all)
      return Welcome.text({ target, isKeyInFile, firstAccount, demo: demos[0]?.uri, resources, hasApi })
    })
    const ready = Layer.scopedDiscard(
      Effect.zipRight(YoungGeneration.letGrow, Effect.flatMap(part.leads ? welcome : Effect.succeed(""), part.onReady))
    )
    yield* StartWarnings.warn(Variables.warnOfIgnored)
    yield* ConfigFile.warnIfExposed
    return yield* ready.pipe(
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
  }).pipe(Effect.provideService(StartWarnings.StartWarnings, part.leads))
