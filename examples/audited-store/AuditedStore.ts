/** A storage over another: whatever takes grants back is told to an auditor before anybody is answered. */
import { Context, Effect, Layer } from "effect"
import { GrantStore } from "latchkey/GrantStore"
import { Storage } from "latchkey/Storage"

/** Whom revocations are told to. */
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
    revokeAll: (whose, reason, now, page) =>
      Effect.tap(grants.revokeAll(whose, reason, now, page), ({ revoked }) =>
        revoked.length > 0 ? auditor.revoked(reason, revoked) : Effect.void
      )
  })

/** Takes the place of the storage that it is given. */
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
