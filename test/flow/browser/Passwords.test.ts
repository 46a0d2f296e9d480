/** A password that different keyboards encode differently is one password (RFC 8265 §4.2, OpaqueString). */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Username } from "../../../src/domain/Account.js"
import { Accounts } from "../../../src/services/accounts/Accounts.js"
import { PasswordHasher } from "../../../src/services/accounts/PasswordHasher.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { withForm } from "../support/Browser.js"
import { issuer, password, type TestServer, test } from "../support/Server.js"

/** Pairs of encodings of one password. */
const same = [
  ["Cafe\u0301-au-lait-9", "Caf\u00e9-au-lait-9"],
  ["correct\u00a0horse battery 9", "correct horse battery 9"],
  ["correct\u3000horse\u2009battery 9", "correct horse battery 9"],
  ["\u1112\u1161\u11ab\u1100\u1173\u11af-pass-2024", "\ud55c\uae00-pass-2024"]
] as const

/** Pairs of different passwords that look alike. */
const different = [
  ["Caf\u00e9-Au-Lait-9", "caf\u00e9-au-lait-9"],
  ["of\ufb01ce-hours-2024", "office-hours-2024"],
  ["\uff21bcdefgh-1", "Abcdefgh-1"],
  ["correct horse", "correcthorse"]
] as const

const logsIn = async (server: TestServer, username: string, typed: string): Promise<boolean> => {
  const browser = server.browser()
  const page = await browser.open(`${issuer}/account`)
  return (await browser.submit(page, { fields: { username, password: typed } })).status === 200
}

describe("a login", () => {
  test("a login accepts each encoding of a password", async (server) => {
    for (const [index, [one, other]] of same.entries()) {
      await server.addAccount(`one${index}`, one)
      await server.addAccount(`other${index}`, other)
      for (const name of [`one${index}`, `other${index}`]) {
        expect(await logsIn(server, name, one), `${name} ${one}`).toBe(true)
        expect(await logsIn(server, name, other), `${name} ${other}`).toBe(true)
      }
    }
  })

  test("a login accepts each encoding of a username (RFC 8265 §3.4)", async (server) => {
    const names = [
      ["zoe\u0308", "zo\u00eb"],
      ["jose\u0301", "JOS\u00c9"],
      ["\u1112\u1161\u11ab", "\ud55c"]
    ] as const
    for (const [one, other] of names) {
      await server.addAccount(one)
      expect(await logsIn(server, one, password), one).toBe(true)
      expect(await logsIn(server, other, password), other).toBe(true)
    }
    expect(await logsIn(server, "zoe", password)).toBe(false)
  })

  test("a login distinguishes case and compatibility forms", async (server) => {
    for (const [index, [one, other]] of different.entries()) {
      await server.addAccount(`one${index}`, one)
      expect(await logsIn(server, `one${index}`, one)).toBe(true)
      expect(await logsIn(server, `one${index}`, other)).toBe(false)
    }
  })

  test("a login accepts a password that an earlier version hashed without preparing it", async (server) => {
    const [typed] = same[0]
    await server.run(
      Effect.gen(function* () {
        const store = yield* AccountStore
        const { id } = Option.getOrThrow(yield* store.findByUsername(yield* Schema.decode(Username)("ada")))
        const applicant = { networks: [], name: "ada", known: true }
        yield* store.setPassword(id, yield* (yield* PasswordHasher).hash(Redacted.make(typed), applicant))
      })
    )
    expect(await logsIn(server, "ada", typed)).toBe(true)
    expect(await logsIn(server, "ada", "another password")).toBe(false)
  })

  test("a password change accepts each encoding of the new password and of its repetition", async (server) => {
    const [one, other] = same[0]
    const browser = server.browser()
    await server.logIn(browser, await browser.open(`${issuer}/account`))
    const fields = { current_password: password, password: one, password_again: other }
    const done = await browser.submit(withForm(await browser.open(`${issuer}/account`), "password"), {
      button: "password",
      fields
    })
    expect(done.status).toBe(200)
    expect(await logsIn(server, "ada", other)).toBe(true)
    expect(await logsIn(server, "ada", one)).toBe(true)
  })
})

describe("the number of hashes", () => {
  const hashed: Array<string> = []
  const counting = Layer.succeed(PasswordHasher, {
    hash: (password) => {
      hashed.push(Redacted.value(password))
      return Effect.succeed(password)
    },
    verify: (hash, password) =>
      Effect.sync(() => {
        hashed.push(Redacted.value(password))
        return Option.exists(hash, (hash) => Redacted.value(hash) === Redacted.value(password))
      })
  })

  test(
    "a login hashes as often for any account: the number depends on the typed text alone",
    async (server) => {
      const [typed, prepared] = same[0]
      await server.addAccount("kim", prepared)
      const work = async (username: string, text: string) => {
        hashed.length = 0
        const found = await server.run(
          Effect.flatMap(Accounts, ({ authenticate }) =>
            authenticate(Schema.decodeSync(Username)(username), Redacted.make(text), {
              networks: [],
              name: username,
              known: true
            })
          )
        )
        return { found: Option.isSome(found), hashed: [...hashed] }
      }
      expect(await work("kim", prepared)).toEqual({ found: true, hashed: [prepared] })
      expect(await work("kim", typed)).toEqual({ found: true, hashed: [prepared, typed] })
      expect(await work("ada", typed)).toEqual({ found: false, hashed: [prepared, typed] })
      expect(await work("nobody", typed)).toEqual({ found: false, hashed: [prepared, typed] })
      expect(await work("nobody", prepared)).toEqual({ found: false, hashed: [prepared] })
    },
    { seams: counting }
  )

  test(
    "a password change hashes twice: it verifies the current password and hashes the new one",
    async (server) => {
      const browser = server.browser()
      const page = await server.logIn(browser, await browser.open(`${issuer}/account`))
      hashed.length = 0
      const next = "another good password"
      const fields = { current_password: password, password: next, password_again: next }
      const done = await browser.submit(withForm(page, "password"), { button: "password", fields })
      expect(done.status).toBe(200)
      expect(hashed).toEqual([password, next])
    },
    { seams: counting }
  )
})
