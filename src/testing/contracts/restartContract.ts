/** The promises of a durable storage across a restart: acknowledged writes are stored, and spent tokens stay spent. */
import { expect } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { describe } from "vitest"
import { TokenId } from "../../domain/AccessToken.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { Storage } from "../../services/stores/Storage.js"
import {
  account,
  alice,
  app,
  at,
  bob,
  consent,
  day,
  grant,
  grantId,
  introduce,
  key,
  newSecret,
  notes,
  redemption,
  rotation,
  second,
  session,
  token,
  window
} from "./fixtures.js"
import { freshIssuer, type Stores, type StoreTest, storesOf } from "./Nodes.js"

/** Makes the storage for each test. `undefined` if it does not claim to be durable. */
type Durable<E> = Effect.Effect<Layer.Layer<Storage, E>, E, Scope.Scope> | undefined

const tokenId = TokenId.make("token")

/** The answers of the ports about all rows of the test. */
const snapshot = (stores: Stores) =>
  Effect.all({
    accounts: stores.accounts.list({ limit: 1_000 }),
    clients: stores.clients.list({ limit: 1_000 }),
    consent: stores.consents.find(alice, app),
    keys: stores.keys.list,
    resources: stores.resources.list,
    isRevoked: stores.revokedTokens.has(tokenId),
    counter: stores.loginCounters.find(7),
    events: stores.events.read({ limit: 10 }),
    sessions: stores.sessions.list(bob, at(second))
  })

export const restartContract = <E>(it: StoreTest, storage: Durable<E>) =>
  describe.skipIf(storage === undefined)(
    storage === undefined ? "after a restart (left out: it does not claim to be durable)" : "after a restart",
    () => {
      /** Runs the first step, closes the storage, opens it again, and runs the second step. */
      const across = (
        before: (stores: Stores) => Effect.Effect<unknown, TemporarilyUnavailable>,
        after: (stores: Stores) => Effect.Effect<unknown, TemporarilyUnavailable>
      ) =>
        Effect.gen(function* () {
          if (storage === undefined) return
          const layer = yield* storage
          const issuer = yield* freshIssuer
          for (const use of [before, after]) {
            const scope = yield* Scope.make()
            const built = yield* Scope.extend(Layer.build(Layer.fresh(layer)), scope)
            yield* use(storesOf(Context.get(built, Storage), issuer))
            yield* Scope.close(scope, Exit.void)
          }
        })

      it.scoped("a spent code stays spent after a restart, and a late second use is a replay", () =>
        across(
          (stores) =>
            Effect.gen(function* () {
              yield* introduce(stores)
              yield* stores.grants.approve(grant())
              expect((yield* stores.grants.redeem(redemption(grant())))._tag).toBe("Redeemed")
            }),
          ({ grants }) =>
            Effect.gen(function* () {
              expect((yield* grants.redeem(redemption(grant(), { now: at(2 * second) })))._tag).toBe("Duplicate")
              expect((yield* grants.redeem(redemption(grant(), { now: at(10 * second) })))._tag).toBe("Replayed")
            })
        )
      )

      it.scoped("the current refresh token is valid after a restart, and an earlier one is a replay", () =>
        across(
          (stores) =>
            Effect.gen(function* () {
              yield* introduce(stores)
              yield* stores.grants.approve(grant())
              yield* stores.grants.redeem(redemption(grant()))
              yield* stores.grants.rotate(rotation(grant(), 1, 2 * second))
              yield* stores.grants.rotate(rotation(grant(), 2, 3 * second))
            }),
          ({ grants }) =>
            Effect.gen(function* () {
              const late = 4 * second + window
              expect((yield* grants.rotate(rotation(grant(), 1, late)))._tag).toBe("Replayed")
              const answer = yield* grants.rotate(rotation(grant(), 3, late))
              expect(answer._tag === "Rotated" && answer.grant.chain.value).toMatchObject({
                generation: 4,
                digest: token(4)
              })
            })
        )
      )

      it.scoped("the rows of every port are the same after a restart", () =>
        Effect.gen(function* () {
          let before: unknown
          yield* across(
            (stores) =>
              Effect.gen(function* () {
                yield* introduce(stores)
                yield* stores.accounts.setState(alice, "Disabled")
                yield* stores.clients.setSecret(app, newSecret)
                yield* stores.clients.markUsed(app, at(second))
                yield* stores.consents.withdraw(alice, app)
                yield* stores.consents.record(consent({ updatedAt: at(2 * second) }))
                yield* stores.keys.insertFirst(key(1))
                yield* stores.keys.insertNext(key(2))
                yield* stores.keys.promote(key(2).id, at(3 * second))
                yield* stores.keys.replace(key(3), at(4 * second))
                yield* stores.resources.insert({ uri: notes, scopes: { read: "Read" }, credentials: Option.none() })
                yield* stores.revokedTokens.insert(tokenId, at(day))
                yield* stores.loginCounters.count(7, { free: 1, firstPause: second, forgetsEvery: day }, at(second))
                yield* stores.events.append([{ id: "1", at: at(0), kind: { _tag: "AccountCreated", subject: alice } }])
                yield* stores.accounts.insert(account(bob))
                yield* stores.sessions.insert(session(2, { subject: bob }))
                before = yield* snapshot(stores)
              }),
            (stores) => Effect.map(snapshot(stores), (after) => expect(after).toEqual(before))
          )
        })
      )

      it.scoped("revocations and begun operations are stored after a restart", () =>
        across(
          (stores) =>
            Effect.gen(function* () {
              yield* introduce(stores)
              yield* stores.grants.approve(grant())
              yield* stores.grants.redeem(redemption(grant()))
              expect(yield* stores.grants.revoke(grantId(1), "OperatorRevoked", at(2 * second))).toBe(true)
              yield* stores.sessions.insert(session(1))
            }),
          ({ grants, sessions }) =>
            Effect.gen(function* () {
              expect(Option.getOrThrow(yield* grants.find(grantId(1)))._tag).toBe("Revoked")
              expect((yield* grants.rotate(rotation(grant(), 1, 3 * second)))._tag).toBe("Revoked")
              expect(Option.isSome(yield* sessions.find(session(1).digest, at(3 * second)))).toBe(true)
            })
        )
      )
    }
  )
