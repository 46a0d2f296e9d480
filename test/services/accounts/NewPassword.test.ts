import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import { describe, vi } from "vitest"
import * as NewPassword from "../../../src/services/accounts/NewPassword.js"

describe("a new password", () => {
  it.effect("a new password is checked again after the list failed to load", () =>
    Effect.gen(function* () {
      vi.doMock("@zxcvbn-ts/language-common", () => {
        throw new Error("too many open files")
      })
      expect(Exit.isFailure(yield* Effect.exit(NewPassword.read("Password1")))).toBe(true)
      vi.doUnmock("@zxcvbn-ts/language-common")
      expect(yield* NewPassword.read("Password1")).toEqual(Either.left("PasswordWellKnown"))
      expect(Either.isRight(yield* NewPassword.read("correct horse battery"))).toBe(true)
    })
  )
})
