/** Wraps a storage: an auditor receives each revocation of grants before the caller gets the answer. */
import { Context, Effect, Layer } from "effect"
import { GrantStore } from "latchkey/GrantStore"
import { Storage } from "latchkey/Storage"

/** Receives revocations. */
export class Auditor extends Context.Tag("Auditor")<
  Auditor,
  { readonly revoked: (reason: string, grants: ReadonlyArray<string>) => Effect.Effect<void> }
>() {}

const audited = (grants: Context.Tag.Service<GrantStore>, auditor: Context.Tag.Service<Auditor>) =>
  GrantStore.of({
    ...grants,
    revoke: (id, reason, now) =>
      Effect.tap(grants.revoke(id, reason, now), (isRevoked) =>
        isRevoked ? auditor.revoked(reason, [id]) : Effect.void
      ),
    revokeAll: (filter, reason, now, page) =>
      Effect.tap(grants.revokeAll(filter, reason, now, page), ({ revoked }) =>
        revoked.length > 0 ? auditor.revoked(reason, revoked) : Effect.void
      )
  })

/** Replaces the storage that it wraps. */
export const layer = Layer.effect(
  Storage,
  Effect.gen(function* () {
    const storage = yield* Storage
    const auditor = yield* Auditor
    return Storage.of({
      ...storage,
      stores: (issuer) => {
        const stores = storage.stores(issuer)
        return Context.add(stores, GrantStore, audited(Context.get(stores, GrantStore), auditor))
      }
    })
  })
)
