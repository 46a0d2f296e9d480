/** `latchkey serve`: a whole authorization server, until it is told to stop. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Resource from "../../domain/Resource.js"
import * as FirstAccountEndpoint from "../../http/browser/FirstAccountEndpoint.js"
import * as HomeEndpoint from "../../http/browser/HomeEndpoint.js"
import * as NodeServer from "../../layers/NodeServer.js"
import * as AuthServer from "../../layers/wiring/AuthServer.js"
import * as FirstAccount from "../../services/accounts/FirstAccount.js"
import { Resources } from "../../services/resources/Resources.js"
import * as ConfigFile from "../settings/ConfigFile.js"
import * as Database from "../settings/Database.js"
import * as Environment from "../settings/Environment.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import * as Setting from "../settings/Setting.js"
import * as Settings from "../settings/Settings.js"
import { badUsage } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as Refusals from "../terminal/Refusals.js"
import * as AccessLog from "./AccessLog.js"
import * as FirstAccountLink from "./FirstAccountLink.js"
import * as Welcome from "./Welcome.js"

const demo = Options.boolean("demo").pipe(
  Options.withDescription("Also runs a small MCP server that keeps notes, guarded, to try things out.")
)

const api = Options.boolean("api").pipe(
  Options.withDescription(
    "Also serves the account and admin API, at /api; with --demo it is served anyway. Or LATCHKEY_API=on."
  )
)

const newIssuer = Options.boolean("new-issuer").pipe(
  Options.withDescription("Serves this issuer from a database that holds another's, which stays as it is.")
)

const firstAccountHint =
  "To make the first account, open the link that the server gave when it started: on its terminal, or in the file that it named there. The command `latchkey user create NAME` makes one too."

/** The demo stands on modules that a server without it never needs, so they are loaded where it is asked for. */
const loadDemo = (wanted: boolean) => Effect.promise(async () => (wanted ? await import("../demo/Demo.js") : undefined))

/** So with the API, whose description weighs megabytes. */
const loadApi = (wanted: boolean) =>
  Effect.promise(async () => (wanted ? (await import("../../layers/AdminApi.js")).layerWithAddress : Layer.empty))

/** And with what talks to Redis. */
const loadRateLimiter = Effect.gen(function* () {
  const url = yield* Environment.redisUrl
  if (Option.isNone(url)) return Layer.empty
  const RedisRateLimiter = yield* Effect.promise(() => import("../../layers/RedisRateLimiter.js"))
  return RedisRateLimiter.layer({ url: url.value })
})

const start = (
  given: ServerOptions.Typed & { readonly api: boolean; readonly demo: boolean; readonly newIssuer: boolean }
) =>
  Effect.gen(function* () {
    const place = yield* ServerOptions.read(given)
    const demo = yield* loadDemo(given.demo)
    const hasApi = given.demo || given.api || (yield* Setting.read(Settings.table.api)) === "on"
    const apiLayer = yield* loadApi(hasApi)
    const options = yield* Environment.options
    const timeouts = yield* Environment.timeouts
    const demos = demo === undefined ? [] : [demo.resource(place.issuer)]
    const auth = AuthServer.layer({
      issuer: place.issuer,
      ...options,
      resources: [...demos, ...options.resources]
    }).pipe(Layer.provide(yield* loadRateLimiter))
    const keyInFile = (yield* Environment.masterKey) === undefined
    const app = Layer.mergeAll(
      AccessLog.layer,
      HomeEndpoint.layer({ firstAccountHint }),
      FirstAccountEndpoint.layer,
      apiLayer,
      demo === undefined ? Layer.empty : demo.layer(place.issuer)
    ).pipe(Layer.provideMerge(FirstAccount.layer), Layer.provideMerge(auth))

    const welcome = Layer.scopedDiscard(
      Effect.gen(function* () {
        const firstAccount = yield* FirstAccountLink.offer(place)
        const guarded = Resource.listed(yield* (yield* Resources).all)
        yield* Output.print(Welcome.text({ place, keyInFile, firstAccount, demo: demos[0]?.uri, guarded, hasApi }))
      })
    )
    yield* Environment.warnOfIgnored
    yield* ConfigFile.warnIfExposed
    return yield* welcome.pipe(
      Layer.provide(NodeServer.serve(app, { ...place.address, ...timeouts, webSockets: false, logAddress: false })),
      // What all of it stands on closes last.
      Layer.provide(Database.layerFor(place.database, place.issuer, given.newIssuer)),
      Layer.launch,
      Effect.catchTags({
        ...Refusals.ofStorage(place),
        ClockWentBack: Refusals.clockWentBack(place),
        ListenError: Refusals.listenError,
        InvalidRedisUrl: ({ message }) => badUsage(`${Setting.variableOf(Settings.table.redisUrl)}: ${message}`)
      })
    )
  })

export const serve = Command.make("serve", { ...ServerOptions.forServer, api, demo, newIssuer }, start).pipe(
  Command.withDescription("Runs an authorization server, until it is told to stop.")
)
