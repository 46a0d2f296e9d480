/** Random histories of keys, resources, login counters and events. The model of each port is a list or a map. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import { describe } from "vitest"
import { Subject } from "../../domain/Account.js"
import * as FailureCounter from "../../domain/FailureCounter.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import { KeyState } from "../../services/stores/KeyStore.js"
import { Counting } from "../../services/stores/LoginCounters.js"
import { at, key, second } from "../contracts/fixtures.js"
import { fresh, type Stores, type StoreTest } from "../contracts/Nodes.js"

interface Kept {
  now: number
  /** For each number of a key its state, or that it is deleted. An id is never used for another key. */
  readonly keys: Map<number, KeyState["_tag"] | "Gone">
  readonly resources: Set<string>
  readonly counters: Map<number, FailureCounter.Counter>
  readonly events: Array<{ readonly id: string; readonly at: number }>
  told: number
}

type Verb = (kept: Kept, stores: Stores, n: number) => Effect.Effect<unknown, TemporarilyUnavailable>

const living = ({ keys }: Kept) => Array.from(keys).filter(([_, state]) => state !== "Gone")
const change = ({ keys }: Kept, to: KeyState["_tag"], isMeant: (state: KeyState["_tag"] | "Gone") => boolean) => {
  for (const [n, state] of keys) if (isMeant(state)) keys.set(n, to)
}
const uri = (n: number) => ResourceIndicator.make(`https://resource-${n}.example.com/`)
const memory = 10 * second

/** Few free failures and short pauses, so that a history reaches all of them. */
const loginRule: FailureCounter.Rule = { free: 2, firstPause: second, forgetsEvery: 6 * second }

const look: Verb = (kept, stores) =>
  Effect.gen(function* () {
    const keys = (yield* stores.keys.list).map(({ id, state }) => [id, state._tag])
    const expected = living(kept).sort(([a], [b]) => a - b)
    expect(keys).toEqual(expected.map(([n, state]) => [key(n).id, state]))
    expect((yield* stores.resources.list).map(({ uri }) => uri)).toEqual(Array.from(kept.resources).sort())
    for (const [bucket, counter] of kept.counters) {
      expect(yield* stores.loginCounters.find(bucket)).toEqual(counter)
    }
    expect((yield* stores.events.read({ limit: 100 })).map(({ id }) => id)).toEqual(kept.events.map(({ id }) => id))
  })

const verbs: Readonly<Record<string, Verb>> = {
  look,
  insertFirst: (kept, { keys }, n) => {
    if (kept.keys.has(n)) return Effect.void
    if (living(kept).length === 0) kept.keys.set(n, "Current")
    return keys.insertFirst(key(n))
  },
  insertNext: (kept, { keys }, n) => {
    if (kept.keys.get(n) === "Gone") return Effect.void
    const isFree = !kept.keys.has(n) && living(kept).every(([_, state]) => state !== "Next")
    if (isFree) kept.keys.set(n, "Next")
    return Effect.map(keys.insertNext(key(n, KeyState.Next())), (answer) => expect(answer).toBe(isFree))
  },
  promote: (kept, { keys }, n) => {
    const isNext = kept.keys.get(n) === "Next"
    if (isNext) {
      change(kept, "Retired", (state) => state === "Current")
      kept.keys.set(n, "Current")
    }
    return Effect.map(keys.promote(key(n).id, at(kept.now)), (answer) => expect(answer).toBe(isNext))
  },
  replace: (kept, { keys }, n) => {
    if (kept.keys.has(n)) return Effect.void
    change(kept, "Replaced", (state) => state !== "Gone")
    kept.keys.set(n, "Current")
    return keys.replace(key(n), at(kept.now))
  },
  remove: (kept, { keys }, n) => {
    const state = kept.keys.get(n)
    const isRemoved = state !== undefined && state !== "Gone" && state !== "Current"
    if (isRemoved) kept.keys.set(n, "Gone")
    return Effect.map(keys.remove(key(n).id), (answer) => expect(answer).toBe(isRemoved))
  },

  insertResource: (kept, { resources }, n) => {
    const isFree = !kept.resources.has(uri(n))
    kept.resources.add(uri(n))
    return Effect.map(resources.insert({ uri: uri(n), scopes: {}, credentials: Option.none() }), (answer) =>
      expect(answer).toBe(isFree ? "Created" : "UriTaken")
    )
  },
  removeResource: (kept, { resources }, n) => {
    const isThere = kept.resources.delete(uri(n))
    return Effect.map(resources.remove(uri(n)), (answer) => expect(answer).toBe(isThere))
  },

  count: (kept, { loginCounters }, n) => {
    const before = kept.counters.get(n) ?? FailureCounter.none
    const now = at(kept.now).epochMillis
    const isPaused = before.pausedUntil > now
    const counter = isPaused ? before : FailureCounter.count(before, loginRule, now)
    kept.counters.set(n, counter)
    return Effect.map(loginCounters.count(n, loginRule, at(kept.now)), (answer) =>
      expect(answer).toEqual(isPaused ? Counting.Paused({ until: before.pausedUntil }) : Counting.Counted({ counter }))
    )
  },
  release: (kept, { loginCounters }, n) => {
    const before = kept.counters.get(n)
    if (before === undefined) return Effect.void
    kept.counters.set(n, { ...before, forgottenAt: before.forgottenAt - loginRule.forgetsEvery, pausedUntil: 0 })
    return loginCounters.release(n, loginRule, before)
  },
  clear: (kept, { loginCounters }, n) => {
    const generation = (kept.counters.get(n)?.generation ?? 0) + 1
    kept.counters.set(n, { ...FailureCounter.none, generation })
    return loginCounters.clear(n)
  },

  append: (kept, { events }, n) => {
    const added = Array.from({ length: n }, () => ({ id: String(kept.told++).padStart(26, "0"), at: kept.now }))
    kept.events.push(...added)
    const kind = { _tag: "AccountCreated" as const, subject: Subject.make(`person-${n}`) }
    const appended = added.map(({ id }) => ({ id, at: at(kept.now), kind }))
    // A second append of the same events changes nothing.
    return Effect.zipRight(events.append(appended), events.append(appended.slice(0, 1)))
  },
  pruneEvents: (kept, { events }) => {
    const before = kept.now - memory
    const left = kept.events.filter(({ at }) => at >= before)
    const count = kept.events.length - left.length
    kept.events.splice(0, kept.events.length, ...left)
    return Effect.map(events.prune(at(before), 1_000), (pruned) => expect(pruned).toBe(count))
  }
}

const step = FastCheck.record({
  verb: FastCheck.constantFrom(...Object.keys(verbs)),
  wait: FastCheck.constantFrom(0, 0, 1, second, -1, memory - 1, memory, memory + 1),
  n: FastCheck.nat(5)
})

export const sundryContract = (it: StoreTest, histories: number) =>
  describe("of keys, resources, login counters and events", () => {
    it.effect.prop(
      "any history ends as the model says",
      { steps: FastCheck.array(step, { maxLength: 40, size: "max" }) },
      ({ steps }) =>
        Effect.gen(function* () {
          const stores = yield* fresh
          const kept: Kept = {
            now: 0,
            keys: new Map(),
            resources: new Set(),
            counters: new Map(),
            events: [],
            told: 0
          }
          for (const [i, { n, verb, wait }] of steps.entries()) {
            kept.now += wait
            yield* verbs[verb]?.(kept, stores.nodes[i % stores.nodes.length] ?? stores, n) ?? Effect.void
          }
          yield* look(kept, stores, 0)
        }),
      { fastCheck: { numRuns: histories } }
    )
  })
