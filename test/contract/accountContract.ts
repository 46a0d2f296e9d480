/** What every `AccountStore` promises. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { describe } from "vitest"
import { Subject } from "../../src/domain/Account.js"
import { account, alice, at, bob, username } from "./fixtures.js"
import { crowds, fresh, race, type StoreTest } from "./Nodes.js"

const ann = username("ann")

export const accountContract = (it: StoreTest) => {
  describe("accounts", () => {
    it.effect("find an account as it was inserted, by its id and by its name", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        const given = account(alice, { username: username("älice✓"), epoch: 3 })
        expect(yield* accounts.insert(given)).toBe("Created")
        const found = yield* accounts.find(alice)
        expect(found).toEqual(Option.some(given))
        expect(Option.map(found, ({ passwordHash }) => Redacted.value(passwordHash))).toEqual(
          Option.some(Redacted.value(given.passwordHash))
        )
        expect(yield* accounts.findByUsername(given.username)).toEqual(Option.some(given))
        expect(yield* accounts.find(bob)).toEqual(Option.none())
        expect(yield* accounts.findByUsername(ann)).toEqual(Option.none())
      })
    )

    it.effect("take no name twice, and leave the first account as it is", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        yield* accounts.insert(account(alice, { username: ann }))
        expect(yield* accounts.insert(account(bob, { username: ann }))).toBe("NameTaken")
        expect(yield* accounts.find(bob)).toEqual(Option.none())
        expect(yield* accounts.findByUsername(ann)).toEqual(Option.some(account(alice, { username: ann })))
      })
    )

    it.effect("never put an account in the place of another", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        yield* accounts.insert(account(alice))
        const error = yield* Effect.flip(accounts.insert(account(alice, { username: ann })))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
        expect(yield* accounts.find(alice)).toEqual(Option.some(account(alice)))
      })
    )

    it.effect("list the oldest first", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        expect(yield* accounts.list).toEqual([])
        const given = [account(alice, { createdAt: at(2) }), account(bob, { createdAt: at(1) })]
        yield* Effect.forEach(given, accounts.insert)
        expect(yield* accounts.list).toEqual([...given].reverse())
      })
    )

    it.effect("make a first account only where there is none", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        expect(yield* accounts.insertFirst(account(alice))).toBe("Created")
        expect(yield* accounts.insertFirst(account(bob))).toBe("NotFirst")
        expect(yield* accounts.insertFirst(account(alice))).toBe("NotFirst")
        expect(yield* accounts.list).toEqual([account(alice)])
        const elsewhere = yield* fresh
        yield* elsewhere.accounts.insert(account(alice))
        expect(yield* elsewhere.accounts.insertFirst(account(bob))).toBe("NotFirst")
      })
    )

    it.effect("raise the epoch by one, of that account", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        yield* Effect.forEach([account(alice), account(bob)], accounts.insert)
        yield* accounts.advanceEpoch(alice)
        expect(yield* accounts.find(alice)).toEqual(Option.some(account(alice, { epoch: 2 })))
        expect(yield* accounts.find(bob)).toEqual(Option.some(account(bob)))
        yield* accounts.advanceEpoch(Subject.make("nobody"))
        expect(yield* accounts.list).toHaveLength(2)
      })
    )

    it.effect("see nothing of another issuer", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        yield* accounts.insert(account(alice))
        const elsewhere = yield* fresh
        expect(yield* elsewhere.accounts.find(alice)).toEqual(Option.none())
        expect(yield* elsewhere.accounts.findByUsername(account(alice).username)).toEqual(Option.none())
        expect(yield* elsewhere.accounts.list).toEqual([])
        expect(yield* elsewhere.accounts.insertFirst(account(alice))).toBe("Created")
        yield* elsewhere.accounts.advanceEpoch(alice)
        expect(yield* accounts.find(alice)).toEqual(Option.some(account(alice)))
      })
    )
  })

  describe.each(crowds)("of %i callers", (count) => {
    it.effect("one gets the name", () =>
      Effect.gen(function* () {
        const { accounts, nodes } = yield* fresh
        const answers = yield* race(nodes, count, ({ accounts }, i) =>
          accounts.insert(account(Subject.make(`person-${i}`), { username: ann }))
        )
        expect(answers.filter((answer) => answer === "Created")).toHaveLength(1)
        const winner = Subject.make(`person-${answers.indexOf("Created")}`)
        expect(yield* accounts.findByUsername(ann)).toMatchObject({ value: { id: winner } })
        expect(yield* accounts.list).toHaveLength(1)
      })
    )

    it.effect("one is the first", () =>
      Effect.gen(function* () {
        const { accounts, nodes } = yield* fresh
        const answers = yield* race(nodes, count, ({ accounts }, i) =>
          accounts.insertFirst(account(Subject.make(`person-${i}`)))
        )
        expect(answers.filter((answer) => answer === "Created")).toHaveLength(1)
        expect(yield* accounts.list).toMatchObject([{ id: `person-${answers.indexOf("Created")}` }])
      })
    )

    it.effect("every one raises the epoch", () =>
      Effect.gen(function* () {
        const { accounts, nodes } = yield* fresh
        yield* accounts.insert(account(alice))
        yield* race(nodes, count, ({ accounts }) => accounts.advanceEpoch(alice))
        expect(yield* accounts.find(alice)).toEqual(Option.some(account(alice, { epoch: 1 + count })))
      })
    )
  })
}
