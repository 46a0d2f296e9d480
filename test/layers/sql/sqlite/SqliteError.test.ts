import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { untilFree } from "../../../../src/layers/sql/sqlite/SqliteError.js"

/** Fails this many times, then succeeds with the number of attempts. */
const failing = (times: number, code: string) => {
  let tried = 0
  return Effect.suspend(() => (++tried > times ? Effect.succeed(tried) : Effect.fail({ cause: { code } })))
}

it.effect("retries for a lock wait in real time, even with a test clock", () =>
  Effect.gen(function* () {
    expect(yield* untilFree(failing(3, "SQLITE_BUSY"))).toBe(4)
  })
)

it.effect("other errors than a lock are not retried", () =>
  Effect.gen(function* () {
    expect(yield* Effect.flip(untilFree(failing(1, "SQLITE_CORRUPT")))).toEqual({ cause: { code: "SQLITE_CORRUPT" } })
  })
)
