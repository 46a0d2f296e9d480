/** The ways of `server.mjs` to answer the requests of a turn. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import * as ClientAddress from "#dist/http/wire/ClientAddress"
import * as DirectRoutes from "#dist/http/wire/DirectRoutes"
import * as Refusals from "#dist/http/wire/Refusals"
import * as RequestFiber from "#dist/layers/node/RequestFiber"
import { RequestScope } from "#dist/layers/node/RequestScope"
import { Events } from "#dist/services/events/Events"
import * as Metrics from "#dist/services/events/Metrics"
import * as Fibers from "#dist/services/Fibers"
import { SecureRandom } from "#dist/services/keys/Crypto"
import { Keyring } from "#dist/services/keys/Keyring"
import { Seals } from "#dist/services/keys/Seals"
import { Overlay } from "#dist/services/Overlay"
import { Resources } from "#dist/services/resources/Resources"
import { ServerClock } from "#dist/services/ServerClock"
import { ServerSettings } from "#dist/services/ServerSettings"
import { GrantStore } from "#dist/services/stores/GrantStore"
import * as Refresh from "./refresh.mjs"

/** @typedef {import("#dist/layers/sql/sqlite/SqliteConnection").SqliteConnection} Connection */
/** @typedef {import("@effect/platform/HttpServerResponse").HttpServerResponse} Response */
/**
 * @typedef {object} Waiting
 * @property {HttpServerRequest.HttpServerRequest} request
 * @property {string} body
 * @property {DirectRoutes.Begun} begun
 * @property {Response | undefined} response
 * @property {boolean} isLater whether it is answered after its turn
 * @property {() => void} send sends the response
 */

/**
 * Returns the function that answers the requests of a turn.
 *
 * @param {string} way
 * @param {Connection} connection
 * @param {DirectRoutes.Handler} handler
 */
export const answering = (way, connection, handler) =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime()
    const clock = yield* ServerClock
    const events = yield* Events
    const keyring = yield* Keyring
    const resources = yield* Resources
    const settings = yield* ServerSettings
    const random = yield* SecureRandom
    const { outcomeOf, prepare, refresh } = Refresh.make({ connection, random, seals: yield* Seals, settings })
    const start = RequestFiber.starter(runtime, clock)
    const everything = Context.merge(runtime.context, handler.services).unsafeMap
    const servicesOf = (/** @type {Waiting} */ { begun, request }) => {
      const services = new Overlay(everything)
      begun.addServices(services)
      services.set(HttpServerRequest.HttpServerRequest.key, request)
      return services.set(Scope.Scope.key, new RequestScope())
    }
    /**
     * Runs an effect in the present fiber with the services of a request, until the next request sets its own. `Locally` would copy all
     * services of the server.
     *
     * @template A
     * @template R
     * @param {Waiting} each
     * @param {Effect.Effect<A, never, R>} self
     * @returns {Effect.Effect<A>}
     */
    const as = (each, self) =>
      Fibers.withFiber((fiber) => {
        const settable = /** @type {{ setFiberRef: (ref: unknown, value: unknown) => void }} */ (
          /** @type {unknown} */ (fiber)
        )
        settable.setFiberRef(FiberRef.currentContext, Context.unsafeMake(servicesOf(each)))
        return /** @type {Effect.Effect<A>} */ (self)
      })
    const instant = () => DateTime.unsafeMake(clock.unsafeCurrentTimeMillis())
    const networkOf = (/** @type {Waiting} */ { request }) => {
      const [network] = ClientAddress.read(request, settings.trustedProxies).networks
      return Option.fromNullable(network)
    }
    /** @type {Refresh.Shared["root"] | undefined} */
    let root
    /** Reads the facts that all requests share: in an effect where they are older than a moment. @returns {Refresh.Shared} */
    const sharedNow = () => {
      const now = instant()
      const known = resources.peek(now.epochMillis) ?? Runtime.runSync(runtime, resources.all)
      const fresh = root === undefined ? undefined : keyring.peek(root.id, now.epochMillis)
      root = fresh?.state._tag === "Current" ? fresh : Runtime.runSync(runtime, keyring.current)
      return { now, known, root }
    }
    /** @returns {Array<Refresh.Outcome>} */
    const refreshAll = (/** @type {ReadonlyArray<Waiting>} */ batch, /** @type {Refresh.Shared} */ shared) =>
      batch.map((each) => {
        const outcome = refresh({ request: each.request, body: each.body, network: networkOf(each) }, shared)
        each.response = outcome.response
        return outcome
      })
    /** The effects of one outcome: its events and its log line, with the origin of its request. */
    const follow = (/** @type {Waiting} */ each, /** @type {Refresh.Outcome} */ { error, events: kinds }) => {
      const effects = kinds.map(({ isStored, kind }) => (isStored ? events.publish(kind) : events.emit(kind)))
      const all = error === undefined ? effects : [...effects, Refusals.log("/token", error)]
      const self = all.length === 1 && all[0] !== undefined ? all[0] : Effect.all(all, { discard: true })
      return as(each, self)
    }

    const grants = yield* GrantStore
    /** The plain functions in the fiber of a request, and the rotation by the group commit. */
    const split = (/** @type {Waiting} */ each) =>
      Effect.gen(function* () {
        const shared = { now: instant(), known: yield* resources.all, root: yield* keyring.current }
        const prepared = prepare({ request: each.request, body: each.body, network: networkOf(each) }, shared)
        const answer = Either.isLeft(prepared)
          ? Either.left(prepared.left)
          : prepared.right.conclude(yield* grants.rotate(prepared.right.rotation))
        const outcome = outcomeOf(answer)
        for (const { isStored, kind } of outcome.events) yield* isStored ? events.publish(kind) : events.emit(kind)
        if (outcome.error !== undefined) yield* Refusals.log("/token", outcome.error)
        return outcome.response
      })

    /** @type {Record<string, (batch: ReadonlyArray<Waiting>) => void>} */
    const ways = {
      split: ([each]) => {
        if (each === undefined) return
        const { annotations } = each.begun
        const fiber = start(Effect.orDie(split(each)), { services: servicesOf(each), annotations, isRouted: false })
        fiber.addObserver((exit) => {
          if (Exit.isSuccess(exit)) each.response = exit.value
          each.send()
        })
      },
      held: (batch) => {
        for (const each of batch) {
          const { annotations, answer } = each.begun
          const own = { services: servicesOf(each), annotations, isRouted: false }
          const fiber = start(/** @type {Effect.Effect<Response>} */ (answer), own)
          const finish = (/** @type {Exit.Exit<Response>} */ exit) => {
            if (Exit.isSuccess(exit)) each.response = exit.value
            if (each.isLater) each.send()
          }
          const exit = fiber.unsafePoll()
          if (exit !== null) finish(exit)
          else {
            // It waits, for the lock of the keyring once a second, and then writes through the group commit.
            each.isLater = true
            fiber.addObserver(finish)
          }
        }
      },
      // A fiber yields after 2,048 steps, in the middle of a transaction. `runSync` runs on. Log lines lack their annotations.
      joined: (batch) =>
        Runtime.runSync(
          runtime,
          Effect.forEach(
            batch,
            (each) =>
              Effect.map(as(each, each.begun.answer), (response) => {
                each.response = response
              }),
            { discard: true }
          )
        ),
      effect: (batch) =>
        Runtime.runSync(
          runtime,
          Effect.gen(function* () {
            const shared = { now: instant(), known: yield* resources.all, root: yield* keyring.current }
            const outcomes = refreshAll(batch, shared)
            for (const [place, outcome] of outcomes.entries()) yield* follow(batch[place] ?? last(batch), outcome)
          })
        ),
      plain: (batch) => {
        for (const [place, outcome] of refreshAll(batch, sharedNow()).entries()) {
          const { error, events: kinds } = outcome
          if (error === undefined && kinds.every(({ isStored }) => !isStored)) {
            for (const { kind } of kinds) Metrics.countEvent(kind)
          } else Runtime.runFork(runtime, follow(batch[place] ?? last(batch), outcome))
        }
      }
    }
    const answer = ways[way]
    return answer ?? (yield* Effect.dieMessage(`unknown way ${way}: use ordinary, held, joined, effect or plain`))
  })

/** @template A @param {ReadonlyArray<A>} all */
const last = (all) => /** @type {A} */ (all.at(-1))
