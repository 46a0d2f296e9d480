/** A storage that can be made to fail. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { RevokedTokenStore } from "../../../src/services/stores/RevokedTokenStore.js"
import type { Storage } from "../../../src/services/stores/Storage.js"
import { around, changed } from "../../flow/support/Storage.js"

/** The verbs that fail during an outage. */
export interface Failing {
  readonly clients?: ReadonlyArray<keyof ClientStore["Type"] & string>
  readonly grants?: ReadonlyArray<keyof GrantStore["Type"] & string>
  readonly revokedTokens?: ReadonlyArray<keyof RevokedTokenStore["Type"] & string>
}

export interface Outage {
  readonly storage: Layer.Layer<Storage>
  /** Runs an action while the storage fails. */
  readonly during: <A>(use: () => Promise<A>) => Promise<A>
}

/** A storage in memory. During an outage these verbs fail before they change anything. */
export const outage = ({ clients = [], grants = [], revokedTokens = [] }: Failing): Outage => {
  let isDown = false
  const fail = (_: string, answer: Effect.Effect<unknown, TemporarilyUnavailable>) =>
    Effect.suspend(() =>
      isDown ? new TemporarilyUnavailable({ reason: "StoreFailed", description: "the store is down" }) : answer
    )
  return {
    storage: changed(
      around(ClientStore, clients, fail),
      around(GrantStore, grants, fail),
      around(RevokedTokenStore, revokedTokens, fail)
    ),
    during: async (use) => {
      isDown = true
      try {
        return await use()
      } finally {
        isDown = false
      }
    }
  }
}
