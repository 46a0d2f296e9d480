/** The promises of every `AccountStore`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { describe } from "vitest"
import { Subject } from "../../domain/Account.js"
import { account, alice, app, at, bob, consent, day, newHash, session, username } from "./fixtures.js"
import { crowds, fresh, race, type StoreTest } from "./Nodes.js"

const ann = username("ann")

export const accountContract = (it: StoreTest) => {
  describe("accounts", () => {
    it.effect("find and findByUsername return an account as it was inserted", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        const given = account(alice, { username: username("älice✓"), state: "Disabled", epoch: 3 })
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

    it.effect("a second account with the same username is refused and does not change the first", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        yield* accounts.insert(account(alice, { username: ann }))
        expect(yield* accounts.insert(account(bob, { username: ann }))).toBe("NameTaken")
        expect(yield* accounts.find(bob)).toEqual(Option.none())
        expect(yield* accounts.findByUsername(ann)).toEqual(Option.some(account(alice, { username: ann })))
      })
    )

    it.effect("insert never replaces an account", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        yield* accounts.insert(account(alice))
        const error = yield* Effect.flip(accounts.insert(account(alice, { username: ann })))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
        expect(yield* accounts.find(alice)).toEqual(Option.some(account(alice)))
      })
    )

    it.effect("ensure makes one account for an id and returns the stored account", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        expect(yield* accounts.ensure(account(alice))).toEqual({ account: account(alice), isNew: true })
        yield* accounts.setState(alice, "Disabled")
        expect(yield* accounts.ensure(account(alice, { epoch: 7 }))).toEqual({
          account: account(alice, { state: "Disabled", epoch: 2 }),
          isNew: false
        })
        const error = yield* Effect.flip(accounts.ensure(account(bob, { username: account(alice).username })))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
        expect(yield* accounts.find(bob)).toEqual(Option.none())
      })
    )

    it.effect("list returns the oldest account first", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        expect(yield* accounts.list({ limit: 1_000 })).toEqual([])
        const given = [account(alice, { createdAt: at(2) }), account(bob, { createdAt: at(1) })]
        yield* Effect.forEach(given, accounts.insert)
        expect(yield* accounts.list({ limit: 1_000 })).toEqual([...given].reverse())
      })
    )

    it.effect("insertFirst makes an account only if there is none", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        expect(yield* accounts.insertFirst(account(alice))).toBe("Created")
        expect(yield* accounts.insertFirst(account(bob))).toBe("NotFirst")
        expect(yield* accounts.insertFirst(account(alice))).toBe("NotFirst")
        expect(yield* accounts.list({ limit: 1_000 })).toEqual([account(alice)])
        const elsewhere = yield* fresh
        yield* elsewhere.accounts.insert(account(alice))
        expect(yield* elsewhere.accounts.insertFirst(account(bob))).toBe("NotFirst")
      })
    )

    it.effect("advanceEpoch raises the epoch of one account by one", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        yield* Effect.forEach([account(alice), account(bob)], accounts.insert)
        yield* accounts.advanceEpoch(alice)
        expect(yield* accounts.find(alice)).toEqual(Option.some(account(alice, { epoch: 2 })))
        expect(yield* accounts.find(bob)).toEqual(Option.some(account(bob)))
        yield* accounts.advanceEpoch(Subject.make("unknown"))
        expect(yield* accounts.list({ limit: 1_000 })).toHaveLength(2)
      })
    )

    it.effect("an account is disabled under a higher epoch, which it keeps when it is enabled again", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        yield* Effect.forEach([account(alice), account(bob)], accounts.insert)
        expect(yield* accounts.setState(alice, "Enabled")).toBe(true)
        expect(yield* accounts.find(alice)).toEqual(Option.some(account(alice)))
        expect(yield* accounts.setState(alice, "Disabled")).toBe(true)
        expect(yield* accounts.find(alice)).toEqual(Option.some(account(alice, { state: "Disabled", epoch: 2 })))
        expect(yield* accounts.setState(alice, "Enabled")).toBe(true)
        expect(yield* accounts.find(alice)).toEqual(Option.some(account(alice, { epoch: 2 })))
        expect(yield* accounts.setState(Subject.make("unknown"), "Disabled")).toBe(false)
        expect(yield* accounts.find(bob)).toEqual(Option.some(account(bob)))
      })
    )

    it.effect("setPassword replaces the password and raises the epoch", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        yield* Effect.forEach([account(alice), account(bob)], accounts.insert)
        expect(yield* accounts.setPassword(alice, newHash)).toBe(true)
        const found = Option.getOrThrow(yield* accounts.find(alice))
        expect(found).toEqual(account(alice, { passwordHash: newHash, epoch: 2 }))
        expect(Redacted.value(found.passwordHash)).toBe(Redacted.value(newHash))
        expect(yield* accounts.setPassword(Subject.make("unknown"), newHash)).toBe(false)
        const other = Option.getOrThrow(yield* accounts.find(bob))
        expect(Redacted.value(other.passwordHash)).toBe(Redacted.value(account(bob).passwordHash))
      })
    )

    it.effect("remove deletes an account, its sessions and its consents for ever, and its username is free again", () =>
      Effect.gen(function* () {
        const { accounts, consents, nodes, sessions } = yield* fresh
        yield* Effect.forEach([account(alice, { username: ann }), account(bob)], accounts.insert)
        yield* Effect.forEach([session(1), session(2, { subject: bob })], sessions.insert)
        yield* Effect.forEach([consent(), consent({ subject: bob })], consents.record)
        expect(yield* accounts.remove(alice)).toBe(true)
        expect(yield* accounts.remove(alice)).toBe(false)
        for (const node of nodes) {
          expect(yield* node.accounts.find(alice)).toEqual(Option.none())
          expect(yield* node.accounts.findByUsername(ann)).toEqual(Option.none())
          expect(yield* node.sessions.find(session(1).digest, at(0))).toEqual(Option.none())
          expect(yield* node.consents.find(alice, app)).toEqual(Option.none())
          expect(Option.isSome(yield* node.sessions.find(session(2).digest, at(0)))).toBe(true)
          expect(Option.isSome(yield* node.consents.find(bob, app))).toBe(true)
        }
        expect(yield* sessions.prune(at(2 * day), 10)).toBe(1)
        expect(yield* accounts.insert(account(Subject.make("another"), { username: ann }))).toBe("Created")
      })
    )

    it.effect("an account store sees nothing of another issuer", () =>
      Effect.gen(function* () {
        const { accounts } = yield* fresh
        yield* accounts.insert(account(alice))
        const elsewhere = yield* fresh
        expect(yield* elsewhere.accounts.find(alice)).toEqual(Option.none())
        expect(yield* elsewhere.accounts.findByUsername(account(alice).username)).toEqual(Option.none())
        expect(yield* elsewhere.accounts.list({ limit: 1_000 })).toEqual([])
        expect(yield* elsewhere.accounts.insertFirst(account(alice))).toBe("Created")
        yield* elsewhere.accounts.advanceEpoch(alice)
        yield* elsewhere.accounts.setState(alice, "Disabled")
        yield* elsewhere.accounts.setPassword(alice, newHash)
        yield* elsewhere.accounts.remove(alice)
        expect(yield* accounts.find(alice)).toEqual(Option.some(account(alice)))
      })
    )
  })

  describe.each(crowds)("of %i callers", (count) => {
    it.effect("one of many callers gets a username", () =>
      Effect.gen(function* () {
        const { accounts, nodes } = yield* fresh
        const answers = yield* race(nodes, count, ({ accounts }, i) =>
          accounts.insert(account(Subject.make(`person-${i}`), { username: ann }))
        )
        expect(answers.filter((answer) => answer === "Created")).toHaveLength(1)
        const winner = Subject.make(`person-${answers.indexOf("Created")}`)
        expect(yield* accounts.findByUsername(ann)).toMatchObject({ value: { id: winner } })
        expect(yield* accounts.list({ limit: 1_000 })).toHaveLength(1)
      })
    )

    it.effect("one of many callers makes the account of an id, and all get the same account", () =>
      Effect.gen(function* () {
        const { accounts, nodes } = yield* fresh
        const answers = yield* race(nodes, count, ({ accounts }, i) =>
          accounts.ensure(account(alice, { epoch: i + 1 }))
        )
        expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1)
        const found = yield* accounts.find(alice)
        for (const { account } of answers) expect(Option.some(account)).toEqual(found)
      })
    )

    it.effect("one of many callers makes the first account", () =>
      Effect.gen(function* () {
        const { accounts, nodes } = yield* fresh
        const answers = yield* race(nodes, count, ({ accounts }, i) =>
          accounts.insertFirst(account(Subject.make(`person-${i}`)))
        )
        expect(answers.filter((answer) => answer === "Created")).toHaveLength(1)
        expect(yield* accounts.list({ limit: 1_000 })).toMatchObject([{ id: `person-${answers.indexOf("Created")}` }])
      })
    )

    it.effect("every caller raises the epoch of an account", () =>
      Effect.gen(function* () {
        const { accounts, nodes } = yield* fresh
        yield* accounts.insert(account(alice))
        yield* race(nodes, count, ({ accounts }) => accounts.advanceEpoch(alice))
        expect(yield* accounts.find(alice)).toEqual(Option.some(account(alice, { epoch: 1 + count })))
      })
    )

    it.effect(
      "every caller that disables an account or sets its password raises the epoch, and one caller deletes it",
      () =>
        Effect.gen(function* () {
          const { accounts, nodes } = yield* fresh
          yield* accounts.insert(account(alice))
          yield* race(nodes, count, ({ accounts }, i) =>
            i % 2 === 0 ? accounts.setState(alice, "Disabled") : accounts.setPassword(alice, newHash)
          )
          expect(yield* accounts.find(alice)).toMatchObject({ value: { state: "Disabled", epoch: 1 + count } })
          const removed = yield* race(nodes, count, ({ accounts }) => accounts.remove(alice))
          expect(removed.filter((answer) => answer)).toHaveLength(1)
        })
    )
  })
}
