/**
 * The promises of every verb if one of its statements fails, or succeeds while its answer is lost. The rows are as before, or as
 * after, or in a state between that gives no one any access. A repetition of the verb completes it.
 */
import { expect } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { describe } from "vitest"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { KeyState } from "../../services/stores/KeyStore.js"
import { Storage } from "../../services/stores/Storage.js"
import {
  account,
  alice,
  app,
  at,
  client,
  consent,
  grant,
  grantId,
  introduce,
  key,
  newHash,
  newSecret,
  otherApp,
  redemption,
  rotation,
  second,
  session
} from "./fixtures.js"
import { freshIssuer, type Stores, type StoreTest, storesOf } from "./Nodes.js"

/** Whether the statement that is about to begin, or that has just ended, must fail. */
export type IsToFail = (when: "Before" | "After") => boolean

/** A storage that asks before and after each of its statements. `undefined` if it cannot be made to fail. */
export type Failing<E> = ((isToFail: IsToFail) => Effect.Effect<Layer.Layer<Storage, E>, E, Scope.Scope>) | undefined

type Step = (stores: Stores) => Effect.Effect<unknown, TemporarilyUnavailable>

/** A verb and its circumstances. */
interface Story {
  readonly name: string
  readonly before: Step
  readonly verb: Step
  /** Checks that must pass whatever failed. */
  readonly meanwhile: Step
  /** Checks that must pass after the verb was repeated. */
  readonly after: Step
}

const active: Step = (stores) =>
  Effect.all([
    introduce(stores),
    stores.grants.approve(grant()),
    stores.grants.redeem(redemption(grant())),
    stores.sessions.insert(session(1))
  ])

const now = at(3 * second)
const stateOf = ({ grants }: Stores) => Effect.map(grants.find(grantId(1)), Option.getOrUndefined)
const isActive = ({ grants }: Stores) => Effect.map(grants.findActive(grantId(1), now, Option.none()), Option.isSome)
const isLoggedIn = ({ sessions }: Stores) => Effect.map(sessions.find(session(1).digest, now), Option.isSome)
const allowed = ({ consents }: Stores) =>
  Effect.map(consents.find(alice, app), (found) =>
    Option.match(found, { onNone: () => [], onSome: ({ granted }) => Array.from(granted) })
  )

const oneCurrent: Step = ({ keys }) =>
  Effect.map(keys.list, (list) => expect(list.filter(({ state }) => state._tag === "Current")).toHaveLength(1))

const nothing: Step = () => Effect.void

/** A consent and its grants end together. */
const takingBack: Pick<Story, "before" | "meanwhile" | "after"> = {
  before: active,
  meanwhile: (stores) =>
    Effect.gen(function* () {
      expect(yield* isActive(stores)).toBe((yield* allowed(stores)).length > 0)
    }),
  after: (stores) =>
    Effect.gen(function* () {
      expect([yield* isActive(stores), yield* allowed(stores)]).toEqual([false, []])
    })
}

const stories: ReadonlyArray<Story> = [
  {
    name: "approve",
    before: introduce,
    verb: ({ grants }) => grants.approve(grant()),
    meanwhile: (stores) =>
      Effect.map(stateOf(stores), (found) => expect([undefined, "Approved"]).toContain(found?._tag)),
    after: (stores) => Effect.map(stateOf(stores), (found) => expect(found?._tag).toBe("Approved"))
  },
  {
    name: "redeem",
    before: (stores) => Effect.zipRight(introduce(stores), stores.grants.approve(grant())),
    verb: ({ grants }) => grants.redeem(redemption(grant())),
    meanwhile: (stores) =>
      Effect.map(stateOf(stores), (found) => expect(["Approved", "Active"]).toContain(found?._tag)),
    after: (stores) =>
      Effect.gen(function* () {
        expect((yield* stateOf(stores))?._tag).toBe("Active")
        // Never a second time, even if the answer of the first was lost.
        expect((yield* stores.grants.redeem(redemption(grant())))._tag).toBe("Duplicate")
      })
  },
  {
    name: "rotate",
    before: active,
    verb: ({ grants }) => grants.rotate(rotation(grant(), 1, 2 * second)),
    meanwhile: (stores) => Effect.map(isActive(stores), (active) => expect(active).toBe(true)),
    after: (stores) =>
      Effect.map(stateOf(stores), (found) => expect(found).toMatchObject({ chain: { value: { generation: 2 } } }))
  },
  {
    name: "revokeAll",
    before: active,
    verb: ({ grants }) => grants.revokeAll({ subject: alice }, "OperatorRevoked", at(2 * second), { limit: 9 }),
    meanwhile: nothing,
    after: (stores) => Effect.map(stateOf(stores), (found) => expect(found?._tag).toBe("Revoked"))
  },
  {
    name: "setPassword",
    before: active,
    verb: ({ accounts }) => accounts.setPassword(alice, newHash),
    meanwhile: (stores) =>
      Effect.gen(function* () {
        const isNew = Option.exists(yield* stores.accounts.find(alice), ({ epoch }) => epoch > 1)
        // The epoch never lags behind the password.
        expect([yield* isActive(stores), yield* isLoggedIn(stores)]).toEqual([!isNew, !isNew])
      }),
    after: (stores) => Effect.map(isActive(stores), (active) => expect(active).toBe(false))
  },
  {
    name: "removal of an account",
    before: active,
    verb: ({ accounts }) => accounts.remove(alice),
    meanwhile: (stores) =>
      Effect.gen(function* () {
        const isThere = Option.isSome(yield* stores.accounts.find(alice))
        expect([yield* isActive(stores), yield* isLoggedIn(stores)]).toEqual([isThere, isThere])
      }),
    after: (stores) =>
      Effect.gen(function* () {
        expect(Option.isNone(yield* stores.accounts.find(alice))).toBe(true)
        expect([yield* isActive(stores), yield* isLoggedIn(stores), yield* allowed(stores)]).toEqual([false, false, []])
      })
  },
  {
    name: "setSecret",
    before: active,
    verb: ({ clients }) => clients.setSecret(app, newSecret),
    meanwhile: (stores) =>
      Effect.gen(function* () {
        const isNew = Option.exists(yield* stores.clients.find(app), ({ epoch }) => epoch > 1)
        expect(yield* isActive(stores)).toBe(!isNew)
      }),
    after: (stores) => Effect.map(isActive(stores), (active) => expect(active).toBe(false))
  },
  {
    name: "removal of a client",
    before: active,
    verb: ({ clients }) => clients.remove(app),
    meanwhile: (stores) =>
      Effect.gen(function* () {
        expect(yield* isActive(stores)).toBe(Option.isSome(yield* stores.clients.find(app)))
      }),
    after: (stores) => Effect.map(isActive(stores), (active) => expect(active).toBe(false))
  },
  {
    name: "registration within a quota",
    before: nothing,
    verb: ({ clients }) => clients.insertDynamic(client(app), 1),
    meanwhile: ({ clients }) =>
      Effect.map(clients.list({ limit: 1_000 }), (list) => expect(list.length).toBeLessThanOrEqual(1)),
    after: ({ clients }) => Effect.map(clients.list({ limit: 1_000 }), (list) => expect(list).toHaveLength(1))
  },
  {
    name: "registration in the place of the oldest",
    before: ({ clients }) => clients.insertDynamic(client(otherApp), 1),
    verb: ({ clients }) => clients.insertDynamic(client(app), 1),
    meanwhile: ({ clients }) => Effect.map(clients.list({ limit: 1_000 }), (list) => expect(list).toHaveLength(1)),
    after: ({ clients }) => Effect.map(clients.find(app), (found) => expect(Option.isSome(found)).toBe(true))
  },
  {
    name: "record",
    before: (stores) => Effect.all([stores.accounts.insert(account(alice)), stores.clients.insert(client(app))]),
    verb: ({ consents }) => consents.record(consent()),
    meanwhile: (stores) =>
      Effect.map(allowed(stores), (granted) =>
        expect(Array.from(consent().granted)).toEqual(expect.arrayContaining(granted))
      ),
    after: (stores) => Effect.map(allowed(stores), (granted) => expect(granted).toEqual(Array.from(consent().granted)))
  },
  {
    name: "withdraw",
    verb: ({ consents }) => consents.withdraw(alice, app),
    ...takingBack
  },
  {
    name: "withdrawAll",
    verb: ({ consents }) => consents.withdrawAll({ clientId: app }, 9),
    ...takingBack
  },
  {
    name: "promote",
    before: ({ keys }) => Effect.zipRight(keys.insertFirst(key(1)), keys.insertNext(key(2, KeyState.Next()))),
    verb: ({ keys }) => keys.promote(key(2).id, at(10)),
    meanwhile: oneCurrent,
    after: ({ keys }) =>
      Effect.map(keys.list, (list) => expect(list.map(({ state }) => state._tag)).toEqual(["Retired", "Current"]))
  },
  {
    name: "replace",
    before: ({ keys }) => keys.insertFirst(key(1)),
    // A repetition draws another key.
    verb: ({ keys }) => Effect.flatMap(keys.list, (list) => keys.replace(key(list.length + 1), at(10))),
    meanwhile: oneCurrent,
    after: oneCurrent
  }
]

/** The storage of this suite, and a function that makes the `n`th next statement fail, before or after it runs. */
class Faulty extends Context.Tag("latchkey/test/Faulty")<
  Faulty,
  {
    readonly storage: Context.Tag.Service<Storage>
    readonly arm: (when: "Before" | "After", n: number) => void
    /** Returns whether a statement failed. From then on no statement fails. */
    readonly disarm: () => boolean
  }
>() {}

const layerFaulty = <E>(failing: NonNullable<Failing<E>>) => {
  let fault: { readonly when: "Before" | "After"; left: number } | undefined
  const isToFail: IsToFail = (when) => {
    if (fault === undefined || fault.when !== when || --fault.left > 0) return false
    fault = undefined
    return true
  }
  return Layer.effect(
    Faulty,
    Effect.map(Storage, (storage) => ({
      storage,
      arm: (when, n) => {
        fault = { when, left: n }
      },
      disarm: () => {
        const hasFailed = fault === undefined
        fault = undefined
        return hasFailed
      }
    }))
  ).pipe(Layer.provide(Layer.unwrapScoped(failing(isToFail))))
}

/** Runs a test again and again, each time with another statement that fails, until no statement is left. */
const tell = (story: Story, when: "Before" | "After") =>
  Effect.gen(function* () {
    const { arm, disarm, storage } = yield* Faulty
    for (let n = 1; ; n++) {
      const stores = storesOf(storage, yield* freshIssuer)
      yield* story.before(stores)
      arm(when, n)
      const answer = yield* Effect.either(story.verb(stores))
      const hasFailed = disarm()
      yield* story.meanwhile(stores)
      if (!hasFailed) {
        expect(Either.isRight(answer)).toBe(true)
        expect(n).toBeGreaterThan(1)
        return
      }
      yield* story.verb(stores)
      yield* story.after(stores)
    }
  })

export const atomicityContract = <E>(it: StoreTest, failing: Failing<E>) => {
  // A suite that is left out builds no storage.
  if (failing === undefined) {
    it.skipIf(true)("where a statement fails (left out: it cannot be made to)", () => {})
    return
  }
  describe("where a statement fails", () => {
    it.layer(layerFaulty(failing))((it) => {
      for (const story of stories) {
        it.effect(`${story.name} is complete or absent after a failure, and a repetition completes it`, () =>
          Effect.zipRight(tell(story, "Before"), tell(story, "After"))
        )
      }
    })
  })
}
