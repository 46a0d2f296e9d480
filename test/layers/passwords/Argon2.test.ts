/** Hashing: a fault of the program or of a stored hash is a defect, and a retry does not help. */
import { expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Argon2 from "../../../src/layers/passwords/Argon2.js"
import { knownAs, PasswordHasher } from "../../../src/services/accounts/PasswordHasher.js"

const cheap = { memoryCost: 8, timeCost: 1 }
const ada = knownAs("ada")
const password = Redacted.make("correct horse battery")

it.live.each<readonly [string, string]>([
  ["a stored hash that is none", "no hash"],
  ["a stored hash that is cut", "$argon2id$v=19$m=8,t=1,p=1$AAAA"],
  ["an account without a password", ""]
])("%s is a defect, and not a busy server", ([_, hash]) =>
  Effect.gen(function* () {
    const hasher = yield* PasswordHasher
    // More often than there are places: a defect gives its place back.
    for (let i = 0; i < 12; i++) {
      const exit = yield* Effect.exit(hasher.verify(Option.some(Redacted.make(hash)), password, ada))
      expect(Exit.isFailure(exit) && Cause.isDie(exit.cause)).toBe(true)
      expect(Exit.isFailure(exit) && Cause.isFailure(exit.cause)).toBe(false)
    }
    const good = yield* hasher.hash(password, ada)
    expect(yield* hasher.verify(Option.some(good), password, ada)).toBe(true)
  }).pipe(Effect.provide(Argon2.layer(cheap)))
)

it.live("costs that the library refuses are a defect, not a busy server", () =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit((yield* PasswordHasher).hash(password, ada))
    expect(Exit.isFailure(exit) && Cause.isDie(exit.cause)).toBe(true)
  }).pipe(Effect.provide(Argon2.layer({ memoryCost: 1, timeCost: 0 })))
)
