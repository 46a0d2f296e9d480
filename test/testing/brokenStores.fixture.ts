/** Stores that break one promise each, and one that breaks none. `brokenStores.system.test.ts` runs them. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Grant from "../../src/domain/Grant.js"
import * as ResourceScopes from "../../src/domain/ResourceScopes.js"
import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import { GrantStore } from "../../src/services/stores/GrantStore.js"
import { Storage } from "../../src/services/stores/Storage.js"
import { storageContract } from "../../src/testing/StorageContract.js"

type Grants = Context.Tag.Service<GrantStore>

/** The memory storage with another grant store. */
const withGrants = (change: (grants: Grants) => Partial<Grants>) =>
  Layer.effect(
    Storage,
    Effect.map(Storage, (storage) =>
      Storage.of({
        ...storage,
        stores: (issuer) => {
          const stores = storage.stores(issuer)
          const grants = Context.get(stores, GrantStore)
          return Context.add(stores, GrantStore, { ...grants, ...change(grants) })
        }
      })
    )
  ).pipe(Layer.provide(MemoryStorage.layer))

const found = (grants: Grants, id: Grant.GrantId) => Effect.map(grants.find(id), Option.getOrUndefined)

storageContract(
  "intact",
  withGrants(() => ({}))
)

storageContract(
  "reads before it redeems",
  withGrants((grants) => ({
    redeem: (redemption) =>
      Effect.gen(function* () {
        const before = yield* found(grants, redemption.grantId)
        yield* Effect.yieldNow()
        const answer = yield* grants.redeem(redemption)
        const after = yield* found(grants, redemption.grantId)
        return before?._tag === "Approved" && answer._tag === "Duplicate" && after?._tag === "Active"
          ? Grant.RedemptionAnswer.Redeemed({ grant: after })
          : answer
      })
  }))
)

storageContract(
  "reads before it rotates",
  withGrants((grants) => ({
    rotate: (rotation) =>
      Effect.gen(function* () {
        const before = yield* found(grants, rotation.grantId)
        yield* Effect.yieldNow()
        const answer = yield* grants.rotate(rotation)
        const generation = before?._tag === "Active" ? Option.getOrUndefined(before.chain)?.generation : undefined
        return answer._tag === "Retried" && generation === rotation.generation
          ? Grant.RotationAnswer.Rotated({ grant: answer.grant })
          : answer
      })
  }))
)

storageContract(
  "takes a code at the moment of its end",
  withGrants((grants) => ({
    redeem: (redemption) =>
      Effect.gen(function* () {
        const before = yield* found(grants, redemption.grantId)
        const isItsEnd = before?.code.expiresAt.epochMillis === redemption.now.epochMillis
        const now = isItsEnd ? DateTime.subtract(redemption.now, { millis: 1 }) : redemption.now
        return yield* grants.redeem({ ...redemption, now })
      })
  }))
)

storageContract(
  "does not look at epochs",
  withGrants((grants) => ({
    findActive: (id, now, token) =>
      Effect.gen(function* () {
        const active = yield* grants.findActive(id, now, token)
        const grant = yield* found(grants, id)
        return Option.isNone(token) && grant?._tag === "Active" && DateTime.lessThan(now, grant.terms.expiresAt)
          ? Option.some(grant)
          : active
      })
  }))
)

storageContract(
  "writes back what it read before it rotates",
  withGrants((grants) => {
    const revived = new Map<Grant.GrantId, Grant.Active>()
    return {
      rotate: (rotation) =>
        Effect.gen(function* () {
          const before = yield* found(grants, rotation.grantId)
          yield* Effect.yieldNow()
          const answer = yield* grants.rotate(rotation)
          if (before?._tag === "Active" && answer._tag === "Revoked") revived.set(rotation.grantId, before)
          return answer
        }),
      find: (id) =>
        Effect.map(
          grants.find(id),
          Option.map((grant) => revived.get(id) ?? grant)
        )
    }
  })
)

storageContract(
  "returns true to every caller of revoke",
  withGrants((grants) => ({
    revoke: (...which) => Effect.as(grants.revoke(...which), true)
  }))
)

storageContract(
  "deletes what has not ended",
  withGrants((grants) => ({
    prune: (before, limit) => grants.prune(DateTime.add(before, { days: 365 }), limit)
  }))
)

storageContract(
  "forgets the network of a rotation",
  withGrants((grants) => ({
    rotate: (rotation) =>
      Effect.gen(function* () {
        const before = yield* found(grants, rotation.grantId)
        const isCurrent =
          before !== undefined && Grant.isRefreshable(before) && before.chain.value.generation === rotation.generation
        return yield* grants.rotate(isCurrent ? { ...rotation, network: Option.none() } : rotation)
      })
  }))
)

storageContract(
  "grants every scope at every resource",
  withGrants((grants) => ({
    approve: ({ code, terms }) => {
      const scope = ResourceScopes.scope(terms.granted)
      const granted = new Map(Array.from(terms.granted, ([resource]) => [resource, scope]))
      return grants.approve(Grant.Grant.Approved({ code, terms: { ...terms, granted } }))
    }
  }))
)

storageContract(
  "revokes the grants of every issuer",
  Layer.map(MemoryStorage.layer, (context) => {
    const storage = Context.get(context, Storage)
    const others: Array<Grants> = []
    return Context.make(
      Storage,
      Storage.of({
        ...storage,
        stores: (issuer) => {
          const stores = storage.stores(issuer)
          const grants = Context.get(stores, GrantStore)
          others.push(grants)
          const revoke: Grants["revoke"] = (...which) =>
            Effect.zipLeft(
              grants.revoke(...which),
              Effect.forEach(others, (one) => one.revoke(...which))
            )
          return Context.add(stores, GrantStore, { ...grants, revoke })
        }
      })
    )
  })
)
