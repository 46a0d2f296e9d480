/** The nodes of one storage. Several nodes may share the data, as the processes of a deployment do. */
import type { Vitest } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Issuer } from "../../domain/Issuer.js"
import { AccountStore } from "../../services/stores/AccountStore.js"
import { ClientStore } from "../../services/stores/ClientStore.js"
import { ConsentStore } from "../../services/stores/ConsentStore.js"
import { EventLog } from "../../services/stores/EventLog.js"
import { GrantStore } from "../../services/stores/GrantStore.js"
import { InitialAccessTokenStore } from "../../services/stores/InitialAccessTokenStore.js"
import { KeyStore } from "../../services/stores/KeyStore.js"
import { LoginCounters } from "../../services/stores/LoginCounters.js"
import { ResourceStore } from "../../services/stores/ResourceStore.js"
import { RevokedTokenStore } from "../../services/stores/RevokedTokenStore.js"
import { SessionStore } from "../../services/stores/SessionStore.js"
import { SpentAssertionStore } from "../../services/stores/SpentAssertionStore.js"
import { Storage } from "../../services/stores/Storage.js"

export class Nodes extends Context.Tag("latchkey/test/Nodes")<
  Nodes,
  Arr.NonEmptyReadonlyArray<Context.Tag.Service<Storage>>
>() {}

/** The test functions of a contract, whose tests share one storage. */
export type StoreTest = Vitest.MethodsNonLive<Nodes>

/** One storage. */
export const one = <E, R>(layer: Layer.Layer<Storage, E, R>): Layer.Layer<Nodes, E, R> =>
  Layer.effect(
    Nodes,
    Effect.map(Storage, (storage) => Arr.of(storage))
  ).pipe(Layer.provide(layer))

/** Two storages on the same data. */
export const two = <E, R>(layer: Layer.Layer<Storage, E, R>): Layer.Layer<Nodes, E, R> => {
  const node = Effect.map(Layer.build(Layer.fresh(layer)), Context.get(Storage))
  return Layer.scoped(Nodes, Effect.all([node, node]))
}

/** The stores of an issuer, by name. */
export const storesOf = (storage: Context.Tag.Service<Storage>, issuer: Issuer) => {
  const stores = storage.stores(issuer)
  return {
    accounts: Context.get(stores, AccountStore),
    clients: Context.get(stores, ClientStore),
    consents: Context.get(stores, ConsentStore),
    events: Context.get(stores, EventLog),
    grants: Context.get(stores, GrantStore),
    initialAccessTokens: Context.get(stores, InitialAccessTokenStore),
    keys: Context.get(stores, KeyStore),
    loginCounters: Context.get(stores, LoginCounters),
    resources: Context.get(stores, ResourceStore),
    revokedTokens: Context.get(stores, RevokedTokenStore),
    sessions: Context.get(stores, SessionStore),
    spentAssertions: Context.get(stores, SpentAssertionStore)
  }
}
export type Stores = ReturnType<typeof storesOf>

let issuers = 0

/** An issuer that no other test uses. */
export const freshIssuer = Effect.sync(() => Issuer.make(`https://issuer-${++issuers}.example.com`))

/** The stores of an issuer that no other test uses: of the first node, and of each node. */
export const fresh = Effect.zipWith(Nodes, freshIssuer, (nodes, issuer) => {
  const [first, ...others] = Arr.map(nodes, (storage) => storesOf(storage, issuer))
  return { ...first, nodes: [first, ...others] as const }
})

/** Runs `count` callers at once. They use the nodes in turn. */
export const race = <A, E, R>(
  nodes: ReadonlyArray<Stores>,
  count: number,
  caller: (stores: Stores, index: number) => Effect.Effect<A, E, R>
): Effect.Effect<Array<A>, E, R> =>
  Effect.forEach(
    Arr.range(0, count - 1),
    // The yield lets all callers start before any of them continues.
    (index) => Effect.zipRight(Effect.yieldNow(), caller(nodes[index % nodes.length] as Stores, index)),
    { concurrency: "unbounded" }
  )

/** Numbers of callers in a race. */
export const crowds = [2, 8, 64] as const
