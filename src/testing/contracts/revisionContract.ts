/** The promise of `Storage.revision`, on which guards rely that remember verified tokens. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import { TokenId } from "../../domain/AccessToken.js"
import { alice, app, at, client, day, epochRaisers, grant, introduce, notes, redemption, second } from "./fixtures.js"
import { freshIssuer, Nodes, type Stores, type StoreTest, storesOf } from "./Nodes.js"

/** Changes that may revoke access, beside those of epochs. */
const others = [
  [
    "revoked grant",
    ({ grants }: Stores) => Effect.asVoid(grants.revoke(grant().terms.id, "SubjectRevoked", at(second)))
  ],
  [
    "revoked page of grants",
    ({ grants }: Stores) =>
      Effect.asVoid(grants.revokeAll({ subject: alice }, "SubjectRevoked", at(second), { limit: 10 }))
  ],
  ["revoked token", ({ revokedTokens }: Stores) => Effect.asVoid(revokedTokens.insert(TokenId.make("one"), at(day)))],
  [
    "client with other metadata",
    ({ clients }: Stores) => {
      const { metadata } = client(app)
      return Effect.asVoid(clients.setMetadata(app, { from: metadata, to: { ...metadata, client_name: "Other" } }))
    }
  ],
  ["deleted resource", ({ resources }: Stores) => Effect.asVoid(resources.remove(notes))]
] as const

export const revisionContract = (it: StoreTest) =>
  describe("the revision", () => {
    for (const [what, change] of [...epochRaisers, ...others]) {
      it.effect(`the revision of every node changes with a ${what}, if the storage has revisions`, () =>
        Effect.gen(function* () {
          const storages = yield* Nodes
          for (const maker of storages) {
            const stores = storesOf(maker, yield* freshIssuer)
            yield* introduce(stores)
            yield* stores.grants.approve(grant())
            yield* stores.grants.redeem(redemption(grant()))
            yield* stores.resources.insert({ uri: notes, scopes: {}, credentials: Option.none() })
            const before = storages.map(({ revision }) => revision())
            yield* change(stores)
            for (const [i, { revision }] of storages.entries()) {
              const after = revision()
              if (before[i] === undefined) expect(after).toBe(undefined)
              else expect(after).not.toBe(before[i])
            }
          }
        })
      )
    }
  })
