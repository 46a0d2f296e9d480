import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { untilFree } from "../../../../src/layers/sql/sqlite/SqliteError.js"

/** Fails so many times, and then succeeds with the number of times that it was tried. */
const failing = (times: number, code: string) => {
  let tried = 0
  return Effect.suspend(() => (++tried > times ? Effect.succeed(tried) : Effect.fail({ cause: { code } })))
}

it.effect("a lock is awaited in real time, though a test holds the clock", () =>
  Effect.gen(function* () {
    expect(yield* untilFree(failing(3, "SQLITE_BUSY"))).toBe(4)
  })
)

it.effect("nothing but a lock is awaited", () =>
  Effect.gen(function* () {
    expect(yield* Effect.flip(untilFree(failing(1, "SQLITE_CORRUPT")))).toEqual({ cause: { code: "SQLITE_CORRUPT" } })
  })
)
