/** Stores what users have allowed clients. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Subject } from "../../domain/Account.js"
import type { ClientId } from "../../domain/Client.js"
import type { Consent } from "../../domain/Consent.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** Selects the consents to withdraw: of a subject, to a client, or of everybody. */
export type ConsentFilter =
  | { readonly subject: Subject }
  | { readonly clientId: ClientId }
  | { readonly everybody: true }

/** Identifies a consent. */
export interface Pair {
  readonly subject: Subject
  readonly clientId: ClientId
}

/** The number of deleted consents, and the pair after which more follow. `None` at the end. */
export interface Pruned {
  readonly count: number
  readonly next: Option.Option<Pair>
}

/** The number of withdrawn consents, and the pair after which the next call continues. `None` at the end. */
export interface Withdrawn {
  readonly count: number
  readonly next: Option.Option<Pair>
}

export class ConsentStore extends Context.Tag("latchkey/ConsentStore")<
  ConsentStore,
  {
    readonly find: (
      subject: Subject,
      clientId: ClientId
    ) => Effect.Effect<Option.Option<Consent>, TemporarilyUnavailable>
    /**
     * Add what the user has allowed now to the consent of this pair, and return the whole consent. An addition by another call
     * at the same time is not lost. The epoch does not change.
     */
    readonly record: (consent: Omit<Consent, "epoch">) => Effect.Effect<Consent, TemporarilyUnavailable>
    /** Returns what a user allows clients now. Omits withdrawn consents and consents to deleted clients. */
    readonly list: (subject: Subject) => Effect.Effect<ReadonlyArray<Consent>, TemporarilyUnavailable>
    /** Check the next `limit` consents after a pair, and delete those to deleted clients. Consents to other clients stay. */
    readonly prune: (limit: number, after?: Pair) => Effect.Effect<Pruned, TemporarilyUnavailable>
    /**
     * Withdraw the consent: it allows nothing any more, and its epoch is raised, so its grants are dead. Returns whether it
     * allowed something until now; of concurrent callers one sees `true`.
     */
    readonly withdraw: (subject: Subject, clientId: ClientId) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Withdraw the next `limit` consents that a filter selects after a pair, each as `withdraw` does. Returns their number and
     * where the next call continues. Dies, and changes nothing, if the filter is empty (see `GrantStore.isEverybody`).
     */
    readonly withdrawAll: (
      filter: ConsentFilter,
      limit: number,
      after?: Pair
    ) => Effect.Effect<Withdrawn, TemporarilyUnavailable>
  }
>() {}
