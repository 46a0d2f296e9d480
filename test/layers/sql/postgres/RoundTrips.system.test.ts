/**
 * The round trips to PostgreSQL: each verb of a request waits for the server once. The refusal of a code or of a refresh token
 * reads its reason by a second statement, because the first one saw the row as it was before it waited for a concurrent change.
 */
import { describe, expect, it, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import { TokenId } from "../../../../src/domain/AccessToken.js"
import { ClientId } from "../../../../src/domain/Client.js"
import type { Limit } from "../../../../src/domain/RateLimit.js"
import * as PostgresStorage from "../../../../src/layers/PostgresStorage.js"
import { RateLimiter } from "../../../../src/services/RateLimiter.js"
import {
  account,
  active,
  alice,
  app,
  approved,
  at,
  bob,
  client,
  consent,
  grant,
  grantId,
  redemption,
  refreshed,
  rotation,
  second,
  session
} from "../../../../src/testing/contracts/fixtures.js"
import * as Nodes from "../../../../src/testing/contracts/Nodes.js"
import * as Postgres from "../../../support/Postgres.js"
import * as Relay from "../../../support/Relay.js"
import * as RoundTrips from "../../../support/RoundTrips.js"

const storage = Layer.unwrapScoped(
  Effect.map(Postgres.database, (url) =>
    Nodes.one(PostgresStorage.layer({ url, masterKey: Redacted.make(new Uint8Array(32)) }))
  )
)

type Verb = (stores: Nodes.Stores) => Effect.Effect<unknown, unknown>

const nothing: Verb = () => Effect.void
const logIn: Verb = ({ sessions }) => sessions.insert(session(1))
const tokenId = TokenId.make("token-1")
const rule = { free: 1, firstPause: second, forgetsEvery: 60 * second }

/** Each verb, and what it needs. */
const verbs: ReadonlyArray<readonly [name: string, before: Verb, verb: Verb]> = [
  ["clients.find", nothing, ({ clients }) => clients.find(app)],
  ["clients.markUsed", nothing, ({ clients }) => clients.markUsed(app, at(second))],
  ["clients.insert", nothing, ({ clients }) => clients.insert(client(ClientId.make("new")))],
  ["clients.insertDynamic", nothing, ({ clients }) => clients.insertDynamic(client(ClientId.make("new")), 9)],
  [
    "clients.insertDynamic in the place of the oldest",
    nothing,
    ({ clients }) => clients.insertDynamic(client(ClientId.make("new")), 1)
  ],
  ["accounts.find", nothing, ({ accounts }) => accounts.find(alice)],
  ["accounts.findByUsername", nothing, ({ accounts }) => accounts.findByUsername(account(alice).username)],
  ["sessions.insert", nothing, logIn],
  ["sessions.find", logIn, ({ sessions }) => sessions.find(session(1).digest, at(second))],
  ["consents.find", nothing, ({ consents }) => consents.find(alice, app)],
  ["consents.find of no consent", nothing, ({ consents }) => consents.find(bob, app)],
  ["consents.record", nothing, ({ consents }) => consents.record(consent({ updatedAt: at(second) }))],
  ["grants.approve", nothing, ({ grants }) => grants.approve(grant({ id: grantId(2) }))],
  ["grants.find", nothing, ({ grants }) => grants.find(grantId(1))],
  ["grants.findActive", nothing, ({ grants }) => grants.findActive(grantId(1), at(second), Option.none())],
  ["grants.rotate", nothing, ({ grants }) => grants.rotate(rotation(grant(), 1, 2 * second))],
  ["grants.revoke", nothing, ({ grants }) => grants.revoke(grantId(1), "TokenRevoked", at(second))],
  ["revokedTokens.insert", nothing, ({ revokedTokens }) => revokedTokens.insert(tokenId, at(second))],
  ["revokedTokens.has", nothing, ({ revokedTokens }) => revokedTokens.has(tokenId)],
  ["loginCounters.count", nothing, ({ loginCounters }) => loginCounters.count(1, rule, at(0))],
  ["keys.list", nothing, ({ keys }) => keys.list],
  ["resources.list", nothing, ({ resources }) => resources.list]
]

// A verb may fail in any way, and then the test fails.
// @effect-diagnostics anyUnknownInErrorContext:off
const tripsOf = (run: Effect.Effect<unknown, unknown>) =>
  Effect.flatMap(Effect.runtime<never>(), (runtime) =>
    Effect.promise(() => RoundTrips.during(() => Runtime.runPromise(runtime)(run)))
  )

describe.skipIf(Postgres.missing)(Postgres.named("the round trips to PostgreSQL"), () => {
  layer(storage)((it) => {
    it.effect.each(verbs)("%s waits for the server once", ([, before, verb]) =>
      Effect.gen(function* () {
        const stores = yield* active
        yield* before(stores)
        expect(yield* tripsOf(verb(stores))).toMatchObject({ roundTrips: 1 })
      })
    )

    it.effect("grants.redeem waits for the server once", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        expect(yield* tripsOf(grants.redeem(redemption(grant)))).toMatchObject({ roundTrips: 1 })
      })
    )

    it.effect("the refusal of a superseded refresh token waits for the server twice", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(second)
        expect(yield* tripsOf(grants.rotate(rotation(grant, 1, 2 * second)))).toMatchObject({ roundTrips: 2 })
      })
    )
  })

  it.scoped("the rate limiter waits for the server once, for a new key and for a key that it has counted", () =>
    Effect.gen(function* () {
      const masterKey = Redacted.make(new Uint8Array(32))
      const layer = PostgresStorage.layer({ url: yield* Postgres.database, masterKey, maxConnections: 1 })
      const { consume } = Context.get(yield* Layer.build(layer), RateLimiter)
      const limit: Limit = { name: "token", quota: 60, window: Duration.minutes(1), whenUnavailable: "Allow" }
      const other: Limit = { ...limit, name: "authorize" }
      const asked = [
        { limit, key: "a client" },
        { limit: other, key: "an address" }
      ]
      // The first request also begins to delete full quotas. The second one waits for that, as there is one connection.
      yield* consume([{ limit, key: "another client" }])
      yield* consume([{ limit, key: "another client" }])
      expect(yield* tripsOf(consume(asked))).toEqual({ roundTrips: 1, statements: 2 })
      expect(yield* tripsOf(consume(asked))).toEqual({ roundTrips: 1, statements: 1 })
    })
  )

  it.scoped("a transaction is sent before the server has answered any of its statements", () =>
    Effect.gen(function* () {
      const relay = yield* Relay.to(yield* Postgres.database)
      const nodes = yield* Layer.build(
        Nodes.one(PostgresStorage.layer({ url: relay.url, masterKey: Redacted.make(new Uint8Array(32)) }))
      )
      yield* Effect.gen(function* () {
        const { clients } = yield* Nodes.fresh
        // A new connection waits for answers before it can send a statement.
        yield* clients.find(app)
        relay.holdAnswersUntil("commit")
        expect(yield* clients.insertDynamic(client(app), 9)).toBe(1)
      }).pipe(Effect.provide(nodes))
    })
  )
})
