/** The layers that read their options from configuration. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import { expect, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as AuthLayer from "../../src/layers/AuthLayer.js"
import * as MasterKey from "../../src/layers/MasterKey.js"
import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import * as PostgresStorage from "../../src/layers/PostgresStorage.js"
import * as RedisRateLimiter from "../../src/layers/RedisRateLimiter.js"
import * as SqliteStorage from "../../src/layers/SqliteStorage.js"
import { ServerSettings } from "../../src/services/ServerSettings.js"
import { Storage } from "../../src/services/stores/Storage.js"
import { temporaryFile } from "./temporaryFile.js"

const masterKey = Buffer.alloc(32, 7).toString("base64url")

/** Builds a layer on these variables, and returns its context. */
const build = <A, E>(layer: Layer.Layer<A, E>, variables: Readonly<Record<string, string>>) =>
  Layer.build(layer).pipe(
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables)))),
    Effect.scoped
  )

/** Builds it, and returns the error. */
const fails = <A, E>(layer: Layer.Layer<A, E>, variables: Readonly<Record<string, string>>) =>
  Effect.flip(build(layer, variables))

const Auth = AuthLayer.layerConfig({
  issuer: Config.string("ISSUER"),
  resources: Config.succeed([]),
  lifetimes: { session: Config.duration("SESSION") }
}).pipe(Layer.provide([MemoryStorage.layer, HttpLayerRouter.layer]))

it.effect("AuthLayer.layerConfig reads the settings of the server", () =>
  Effect.gen(function* () {
    const services = yield* build(Auth, { ISSUER: "https://auth.example.com", SESSION: "3 hours" })
    const { issuer, lifetimes } = Context.get(services, ServerSettings)
    expect(issuer).toBe("https://auth.example.com")
    expect(lifetimes.session).toEqual(Duration.hours(3))
  })
)

it.effect("AuthLayer.layerConfig fails without a variable, and where the settings refuse its value", () =>
  Effect.gen(function* () {
    expect(yield* fails(Auth, { SESSION: "3 hours" })).toMatchObject({ _op: "MissingData", path: ["ISSUER"] })
    const refused = yield* fails(Auth, { ISSUER: "https://auth.example.com/", SESSION: "3 hours" })
    expect(refused).toMatchObject({ _tag: "SettingsError" })
  })
)

const Sqlite = SqliteStorage.layerConfig({
  filename: Config.string("FILENAME"),
  masterKey: MasterKey.config("MASTER_KEY")
})

it.scoped("SqliteStorage.layerConfig reads the file name and the master key", () =>
  Effect.gen(function* () {
    const FILENAME = yield* temporaryFile
    const storage = Context.get(yield* build(Sqlite, { FILENAME, MASTER_KEY: masterKey }), Storage)
    expect(Redacted.value(storage.masterKey)).toEqual(new Uint8Array(32).fill(7))
  })
)

it.scoped("SqliteStorage.layerConfig fails for a master key of the wrong length, and does not show it", () =>
  Effect.gen(function* () {
    const error = yield* fails(Sqlite, { FILENAME: yield* temporaryFile, MASTER_KEY: "c2VjcmV0" })
    expect(error).toMatchObject({ _op: "InvalidData", path: ["MASTER_KEY"] })
    expect(String(error)).not.toContain("c2VjcmV0")
  })
)

const Postgres = PostgresStorage.layerConfig({
  url: Config.redacted("URL"),
  masterKey: MasterKey.config("MASTER_KEY"),
  schema: Config.string("SCHEMA").pipe(Config.withDefault(undefined))
})

it.effect("PostgresStorage.layerConfig reads the address, and fails without it", () =>
  Effect.gen(function* () {
    expect(yield* fails(Postgres, { MASTER_KEY: masterKey })).toMatchObject({ _op: "MissingData", path: ["URL"] })
    // Nothing listens on port 1.
    const unreachable = { MASTER_KEY: masterKey, URL: "postgres://latchkey@127.0.0.1:1/latchkey" }
    expect(yield* fails(Postgres, unreachable)).toMatchObject({ _tag: "StorageOpenError" })
  })
)

it.effect("RedisRateLimiter.layerConfig reads the address, and fails without it", () =>
  Effect.gen(function* () {
    const layer = RedisRateLimiter.layerConfig({ url: Config.redacted("URL") })
    expect(yield* fails(layer, {})).toMatchObject({ _op: "MissingData", path: ["URL"] })
    expect(yield* fails(layer, { URL: "http://127.0.0.1" })).toMatchObject({ _tag: "InvalidRedisUrl" })
  })
)
