/** Where it is kept what a person has allowed a client. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Subject } from "../../domain/Account.js"
import type { ClientId } from "../../domain/Client.js"
import type { Consent } from "../../domain/Consent.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** Whose consents are withdrawn: a person's, those to a client, or everybody's. */
export type Whose = { readonly subject: Subject } | { readonly clientId: ClientId } | { readonly everybody: true }

/** Names a consent. */
export interface Pair {
  readonly subject: Subject
  readonly clientId: ClientId
}

/** How many consents were forgotten, and after which pair others follow: `None` where none do. */
export interface Pruned {
  readonly count: number
  readonly next: Option.Option<Pair>
}

/** How many consents were withdrawn, and after which pair the next call continues: `None` at the end. */
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
     * Add what the person has now allowed to what stands in the row of this pair, and answer with the whole. Nothing
     * that was recorded meanwhile is lost, and the epoch stays what it is.
     */
    readonly record: (consent: Omit<Consent, "epoch">) => Effect.Effect<Consent, TemporarilyUnavailable>
    /** What a person allows clients now; what was withdrawn, or allows a client that is gone, is left out. */
    readonly list: (subject: Subject) => Effect.Effect<ReadonlyArray<Consent>, TemporarilyUnavailable>
    /**
     * Look at the next `limit` consents after a pair, and forget those of clients that are gone. Those of a client that
     * is there stay.
     */
    readonly prune: (limit: number, after?: Pair) => Effect.Effect<Pruned, TemporarilyUnavailable>
    /**
     * Withdraw the consent: the row allows nothing any more, and its epoch is raised, so its grants are dead. Answers whether
     * it allowed something until now: of concurrent callers one sees `true`.
     */
    readonly withdraw: (subject: Subject, clientId: ClientId) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Withdraw the next `limit` consents of a person, to a client, or of everybody, after a pair, each as `withdraw` does.
     * Answers with the number of them, and where the next call continues. Dies, and changes nothing, where `whose` names nobody
     * (see `GrantStore.isEverybody`).
     */
    readonly withdrawAll: (
      whose: Whose,
      limit: number,
      after?: Pair
    ) => Effect.Effect<Withdrawn, TemporarilyUnavailable>
  }
>() {}
