/** The log lines of an outage of the store. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { vi } from "vitest"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import * as WriteHealth from "../../../src/layers/sql/WriteHealth.js"
import * as Readiness from "../../../src/services/maintenance/Readiness.js"
import { Storage } from "../../../src/services/stores/Storage.js"

/** A storage whose disk may be full, and the lines that are logged. */
const watched = Effect.gen(function* () {
  const disk = { isFull: true, probes: 0 }
  const health = WriteHealth.make(
    Effect.suspend(() => {
      disk.probes++
      return disk.isFull
        ? new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" })
        : Effect.void
    })
  )
  const lines: Array<string> = []
  const logger = Logger.make(({ annotations, logLevel, message }) => {
    const { code, readyWhen } = Object.fromEntries(annotations)
    lines.push([logLevel.label, message, code, readyWhen].filter((part) => part !== undefined).join(" | "))
  })
  const storage = Layer.effect(
    Storage,
    Effect.map(Storage, (storage) => Storage.of({ ...storage, check: health.check, outage: health.outage }))
  ).pipe(Layer.provide(MemoryStorage.layer))
  yield* Layer.build(
    Readiness.layerOutageLog.pipe(Layer.provide(storage), Layer.provide(Logger.replace(Logger.defaultLogger, logger)))
  )
  const fail = (code: string) => health.note(Object.assign(new Error("the message of the database"), { code }))
  return { disk, fail, lines }
})

const eventually = (check: () => void) => Effect.promise(() => vi.waitFor(check, 5_000))

it.scopedLive("an outage that a write ends is logged once when it begins and once when it ends", () =>
  Effect.gen(function* () {
    const { disk, fail, lines } = yield* watched
    fail("SQLITE_FULL")
    yield* eventually(() => expect(disk.probes).toBeGreaterThan(1))
    fail("SQLITE_FULL")
    const begun = "ERROR | database failed, server is not ready | SQLITE_FULL | a write succeeds"
    expect(lines).toEqual([begun])
    disk.isFull = false
    yield* eventually(() => expect(lines).toEqual([begun, "WARN | database stores writes again"]))
  })
)

it.scopedLive("a damaged database is logged once, also during another outage, and its recovery is never logged", () =>
  Effect.gen(function* () {
    const { disk, fail, lines } = yield* watched
    fail("SQLITE_FULL")
    yield* eventually(() => expect(lines).toHaveLength(1))
    fail("SQLITE_CORRUPT")
    disk.isFull = false
    const damaged = "ERROR | database failed, server is not ready | SQLITE_CORRUPT | this server is restarted"
    yield* eventually(() => expect(lines.slice(1)).toEqual([damaged]))
    fail("SQLITE_CORRUPT")
    yield* Effect.sleep("1500 millis")
    expect(lines.slice(1)).toEqual([damaged])
  })
)
