/** The errors that begin an outage of a database, and the end of the outage. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as WriteHealth from "../../../src/layers/sql/WriteHealth.js"

const failure = new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" })
const error = (code: string) => Object.assign(new Error("what the database says"), { code })

/** A database whose probe succeeds on request. */
const make = () => {
  const disk = { isFull: true, probes: 0 }
  const probe = Effect.suspend(() => {
    disk.probes++
    return disk.isFull ? failure : Effect.void
  })
  return { disk, ...WriteHealth.make(probe) }
}

describe("a failure of a write", () => {
  it.effect.each([
    ["SQLITE_FULL", /disk is full/],
    ["SQLITE_IOERR", /reports errors/],
    ["SQLITE_IOERR_WRITE", /reports errors/],
    ["SQLITE_IOERR_FSYNC", /reports errors/],
    ["SQLITE_READONLY", /read-only/],
    ["SQLITE_READONLY_DBMOVED", /read-only/],
    ["SQLITE_CANTOPEN", /permissions/],
    ["SQLITE_PERM", /permissions/],
    ["53100", /disk of the database server is full/],
    ["25006", /standby/],
    ["READ_ONLY", /standby/],
    ["58030", /disk of the database server reports errors/]
  ] as const)("an outage with the code %s lasts until the probe succeeds", ([code, remedy]) =>
    Effect.gen(function* () {
      const { check, disk, note, outage } = make()
      const waiting = yield* Effect.fork(outage)
      note(error(code))
      expect(yield* Fiber.join(waiting)).toMatchObject({ code, remedy: expect.stringMatching(remedy) })
      expect(yield* Effect.exit(check)).toEqual(Exit.fail(failure))
      disk.isFull = false
      yield* check
      disk.isFull = true
      // The probe does not run while no write fails.
      yield* check
      expect(disk.probes).toBe(2)
    })
  )

  it.effect.each([
    ["SQLITE_CORRUPT", /damaged.*restart/],
    ["SQLITE_CORRUPT_VTAB", /damaged.*restart/],
    ["SQLITE_NOTADB", /damaged.*restart/],
    ["SQLITE_IOERR_READ", /cannot be read.*restart/],
    ["42501", /privilege.*restart/],
    ["XX001", /damaged.*restart/],
    ["XX002", /damaged.*restart/]
  ] as const)("an outage with the code %s, which a write may not detect, lasts until the restart", ([code, remedy]) =>
    Effect.gen(function* () {
      const { check, disk, note, outage } = make()
      disk.isFull = false
      // Also if an outage that a write ends begins before or after it.
      note(error("SQLITE_FULL"))
      note(error(code))
      note(error("SQLITE_FULL"))
      const begun = { code, lastsUntil: "Restart", remedy: expect.stringMatching(remedy) }
      for (let i = 0; i < 3; i++) {
        expect(yield* outage).toMatchObject(begun)
        expect(yield* Effect.flip(check)).toMatchObject({ reason: "StoreFailed" })
      }
      expect(disk.probes).toBe(0)
    })
  )

  it.effect.each(["SQLITE_BUSY", "SQLITE_CONSTRAINT_PRIMARYKEY", "23505", "40001", "57014", ""])(
    "an error with the code '%s' begins no outage",
    (code) =>
      Effect.gen(function* () {
        const { check, disk, note, outage } = make()
        note(error(code))
        yield* check
        expect(disk.probes).toBe(0)
        expect(yield* Effect.timeoutOption(outage, "1 second").pipe(Effect.fork, Effect.flatMap(Fiber.poll))).toEqual(
          Option.none()
        )
      })
  )

  it.effect("a failure while the probe succeeds keeps the outage", () =>
    Effect.gen(function* () {
      let probes = 0
      const health: WriteHealth.WriteHealth = WriteHealth.make(
        Effect.sync(() => {
          if (++probes === 1) health.note(error("SQLITE_FULL"))
        })
      )
      health.note(error("SQLITE_FULL"))
      yield* health.check
      yield* health.check
      yield* health.check
      expect(probes).toBe(2)
    })
  )
})
