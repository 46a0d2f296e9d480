/** No one takes all places of the hashing queue: they are shared by network and username, and known browsers come first. */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as HashingQueue from "../../../src/services/accounts/HashingQueue.js"
import type { Applicant } from "../../../src/services/accounts/PasswordHasher.js"

const networksOf = (s: number, a: number, n: number) => [`${s}:${a}:${n}/64`, `${s}:${a}/56`, `${s}/48`]

let names = 0
const unknown = (...networks: ReadonlyArray<string>): Applicant => ({ networks, name: `name${names++}`, known: false })
const known = (...networks: ReadonlyArray<string>): Applicant => ({ ...unknown(...networks), known: true })

/** Lets every ready fiber run. */
const settle = Effect.repeatN(Effect.yieldNow(), 20)

/** All applicants arrive at once, and no hash ends. */
const enter = (applicants: ReadonlyArray<Applicant>, queue: HashingQueue.HashingQueue) =>
  Effect.zipLeft(
    Effect.forEach(applicants, (applicant) => Effect.forkDaemon(queue.run(applicant, Effect.never))),
    settle
  )

/** Returns the number of applicants that have a place now. */
const placesOf = (fibers: ReadonlyArray<Fiber.RuntimeFiber<unknown, unknown>>) =>
  Effect.map(Effect.forEach(fibers, Fiber.poll), (states) => states.filter(({ _tag }) => _tag === "None").length)

/** All applicants arrive at once. Returns the number of those that got a place. */
const admitted = (applicants: ReadonlyArray<Applicant>, queue: HashingQueue.HashingQueue) =>
  Effect.flatMap(enter(applicants, queue), placesOf)

const times = <A>(count: number, each: (i: number) => A) => Array.from({ length: count }, (_, i) => each(i))

describe("a flood", () => {
  it.effect.each([
    ["an IPv4 address", 8, () => ["192.0.2.1"]],
    ["a /64", 8, () => networksOf(1, 1, 1)],
    ["a /56", 12, (i: number) => networksOf(1, 1, i)],
    ["a /48", 16, (i: number) => networksOf(1, i, i)]
  ] as const)("of %s keeps %i places when others need the rest", ([_, places, networks]) =>
    Effect.gen(function* () {
      const queue = yield* HashingQueue.make
      const flood = yield* enter(
        times(100, (i) => unknown(...networks(i))),
        queue
      )
      expect(yield* placesOf(flood)).toBe(66)
      const others = times(100, (i) => unknown(`198.51.100.${i}`))
      expect(yield* admitted(others, queue)).toBe(50 - places)
      const friends = times(100, (i) => known(`198.51.100.${i}`))
      expect(yield* admitted(friends, queue)).toBe(16)
      expect(yield* placesOf(flood)).toBe(places)
    })
  )

  it.effect("a flood with all places loses its last place to the next applicant from another network", () =>
    Effect.gen(function* () {
      const queue = yield* HashingQueue.make
      const flood = yield* enter(
        times(66, () => unknown("192.0.2.1")),
        queue
      )
      expect(yield* admitted([unknown("192.0.2.1")], queue)).toBe(0)
      expect(yield* admitted([unknown("198.51.100.1")], queue)).toBe(1)
      expect(yield* placesOf(flood)).toBe(65)
      expect(yield* placesOf(flood.slice(0, 65))).toBe(65)
    })
  )

  it.effect("a flood of one username from many networks gets 10 places", () =>
    Effect.gen(function* () {
      const queue = yield* HashingQueue.make
      const flood = times(100, (i) => ({ ...unknown(`192.0.2.${i}`), name: "ada" }))
      expect(yield* admitted(flood, queue)).toBe(10)
      expect(yield* admitted([{ ...unknown("198.51.100.1"), name: "bob" }], queue)).toBe(1)
    })
  )

  it.effect("a flood from many networks leaves 16 places to known browsers", () =>
    Effect.gen(function* () {
      const queue = yield* HashingQueue.make
      expect(
        yield* admitted(
          times(100, (i) => unknown(`192.0.2.${i}`)),
          queue
        )
      ).toBe(50)
      expect(
        yield* admitted(
          times(100, (i) => known(`198.51.100.${i}`)),
          queue
        )
      ).toBe(16)
    })
  )

  it.effect("a flood from an office takes no place from the known browsers there", () =>
    Effect.gen(function* () {
      const queue = yield* HashingQueue.make
      yield* admitted(
        times(100, () => ({ ...unknown("192.0.2.1"), name: "ada" })),
        queue
      )
      expect(yield* admitted([{ ...known("192.0.2.1"), name: "ada" }], queue)).toBe(1)
    })
  )

  it.effect("a flood of 84 a second from one /56 keeps no other user out if 33 a second can be hashed", () =>
    Effect.gen(function* () {
      const queue = yield* HashingQueue.make
      const outcomes = { honest: [0, 0], flood: [0, 0] }
      const log = (who: keyof typeof outcomes, applicant: Applicant) =>
        Effect.fork(
          Effect.match(queue.run(applicant, Effect.sleep("60 millis")), {
            onSuccess: () => void outcomes[who][0]!++,
            onFailure: () => void outcomes[who][1]!++
          })
        )
      for (let i = 0; i < 336; i++) {
        yield* log("flood", unknown(...networksOf(1, 1, i % 256)))
        if (i % 28 === 0) yield* log("honest", unknown(`198.51.100.${i % 250}`))
        yield* TestClock.adjust("12 millis")
      }
      yield* TestClock.adjust("6 seconds")
      expect(outcomes.honest).toEqual([12, 0])
      expect(outcomes.flood[1]).toBeGreaterThan(20)
    })
  )
})

describe("forty users of one office", () => {
  it.effect.each([
    ["in browsers that nobody knows", (i: number) => ({ ...unknown("192.0.2.1"), name: `person${i}` })],
    ["in known browsers", (i: number) => ({ ...known("192.0.2.1"), name: `person${i}` })],
    ["in a /56", (i: number) => unknown(...networksOf(1, 1, i))]
  ] as const)("log in at once, %s: all get their turn", ([_, personOf]) =>
    Effect.gen(function* () {
      const queue = yield* HashingQueue.make
      const fibers = yield* Effect.forEach(times(40, personOf), (person) =>
        Effect.fork(queue.run(person, Effect.sleep("60 millis")))
      )
      yield* settle
      expect(yield* placesOf(fibers)).toBe(40)
      for (let i = 0; i < 20; i++) yield* TestClock.adjust("60 millis")
      expect((yield* Fiber.await(Fiber.all(fibers)))._tag).toBe("Success")
    })
  )
})

describe("the next turn", () => {
  /** Fills both running places, lets the applicants wait, and returns the order of their turns. */
  const order = (applicants: ReadonlyArray<Applicant>) =>
    Effect.gen(function* () {
      const queue = yield* HashingQueue.make
      const gate = yield* Deferred.make<void>()
      const turns: Array<string> = []
      const run = (applicant: Applicant) =>
        Effect.fork(
          queue.run(
            applicant,
            Effect.zipRight(
              Effect.sync(() => turns.push(applicant.name)),
              Effect.yieldNow()
            )
          )
        )
      yield* Effect.forkDaemon(queue.run(known("192.0.2.1"), Effect.never))
      yield* Effect.fork(queue.run(known("192.0.2.2"), Deferred.await(gate)))
      yield* settle
      for (const applicant of applicants) yield* run(applicant)
      yield* settle
      expect(turns).toEqual([])
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      yield* settle
      return turns
    })

  const named = (name: string): Applicant => ({ networks: [`network of ${name}`], name, known: name.startsWith("k") })

  it.effect("known browsers get the turns, and every fourth turn is an unknown browser's", () =>
    Effect.gen(function* () {
      const turns = yield* order(["u1", "u2", "k1", "k2", "k3", "k4", "u3"].map(named))
      expect(turns).toEqual(["k1", "k2", "k3", "u1", "k4", "u2", "u3"])
    })
  )

  it.effect("networks take turns: an applicant behind a flood does not wait for all of it", () =>
    Effect.gen(function* () {
      const flood = times(12, (i): Applicant => ({ networks: networksOf(1, 1, i), name: `flood ${i}`, known: false }))
      const turns = yield* order([...flood, ...["u1", "u2"].map(named)])
      expect(turns.slice(0, 4)).toEqual(["flood 0", "u1", "u2", "flood 1"])
    })
  )

  it.effect("an applicant without a turn in five seconds fails", () =>
    Effect.gen(function* () {
      const queue = yield* HashingQueue.make
      yield* admitted([known("192.0.2.1"), known("192.0.2.2")], queue)
      const waiting = yield* Effect.fork(Effect.flip(queue.run(unknown("192.0.2.3"), Effect.void)))
      yield* settle
      yield* TestClock.adjust("4999 millis")
      expect((yield* Fiber.poll(waiting))._tag).toBe("None")
      yield* TestClock.adjust("1 millis")
      expect((yield* Fiber.join(waiting)).reason).toBe("HashingBusy")
    })
  )
})

describe("a place", () => {
  it.effect("a waiting place is free again when its applicant is interrupted", () =>
    Effect.gen(function* () {
      const queue = yield* HashingQueue.make
      yield* admitted([known("192.0.2.1"), known("192.0.2.2")], queue)
      const fibers = yield* Effect.forEach(
        times(64, () => unknown("192.0.2.3")),
        (applicant) => Effect.forkDaemon(queue.run(applicant, Effect.never))
      )
      yield* settle
      expect(yield* admitted([unknown("192.0.2.3")], queue)).toBe(0)
      yield* Fiber.interruptAll(fibers)
      expect(yield* admitted([unknown("192.0.2.3")], queue)).toBe(1)
    })
  )

  it.effect("a running place is free only when its hash ends, also if its applicant is interrupted", () =>
    Effect.gen(function* () {
      const queue = yield* HashingQueue.make
      const hashes = yield* Deferred.make<void>()
      const running = yield* Effect.forEach(
        times(2, (i) => unknown(`192.0.2.${i}`)),
        (applicant) => Effect.fork(queue.run(applicant, Deferred.await(hashes)))
      )
      yield* settle
      const gone = yield* Effect.fork(Fiber.interruptAll(running))
      let began = false
      yield* Effect.fork(
        queue.run(
          unknown("192.0.2.9"),
          Effect.sync(() => (began = true))
        )
      )
      yield* settle
      expect(began).toBe(false)
      yield* Deferred.succeed(hashes, undefined)
      yield* Fiber.join(gone)
      yield* settle
      expect(began).toBe(true)
    })
  )
})
