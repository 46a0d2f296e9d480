/** The times of an app, read from the user's grants. */
import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Issuer } from "../../../src/domain/Issuer.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import * as AppUses from "../../../src/services/clients/AppUses.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { ConsentStore } from "../../../src/services/stores/ConsentStore.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import * as Paging from "../../../src/services/stores/Paging.js"
import { Storage } from "../../../src/services/stores/Storage.js"
import {
  account,
  alice,
  app,
  at,
  client,
  consent,
  grant,
  grantId,
  redemption
} from "../../../src/testing/contracts/fixtures.js"

/** The times of the one app of a user with this number of grants, of which the first got a token. */
const useOf = (count: number) =>
  Effect.gen(function* () {
    const stores = (yield* Storage).stores(Issuer.make("https://auth.example.com"))
    const [consents, grants] = [Context.get(stores, ConsentStore), Context.get(stores, GrantStore)]
    yield* Context.get(stores, AccountStore).insert(account(alice))
    yield* Context.get(stores, ClientStore).insert(client(app))
    const allowed = yield* consents.record(consent({ updatedAt: at(9) }))
    for (let n = 1; n <= count; n++) yield* grants.approve(grant({ id: grantId(n), subject: alice, clientId: app }))
    yield* grants.redeem(redemption(grant({ id: grantId(1) })))
    const pages: Array<number> = []
    const counting = {
      ...grants,
      list: (...[which, page]: Parameters<typeof grants.list>) => {
        pages.push(page.limit)
        return grants.list(which, page)
      }
    }
    const use = (yield* Effect.provideService(AppUses.of(alice, at(0)), GrantStore, counting))(allowed)
    expect(pages).toEqual([Paging.size])
    return use
  }).pipe(Effect.provide(MemoryStorage.layer))

it.effect("one page of grants is read: a user with fewer grants has a known last use", () =>
  Effect.gen(function* () {
    const { allowedSince, lastUsedAt } = yield* useOf(Paging.size - 1)
    expect(allowedSince).toEqual(at(0))
    expect(Option.isSome(lastUsedAt)).toBe(true)
  })
)

it.effect("the last use is not known for a user whose grants fill the page", () =>
  Effect.gen(function* () {
    const { allowedSince, lastUsedAt } = yield* useOf(Paging.size)
    expect(allowedSince).toEqual(at(0))
    expect(lastUsedAt).toEqual(Option.none())
  })
)
