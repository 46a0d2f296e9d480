/** The steps of a maintenance pass: each deletes the expired rows of one kind, in small batches, or advances the keys. */
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { ServerSettings } from "../ServerSettings.js"
import * as Batches from "../stores/Batches.js"
import { ClientStore } from "../stores/ClientStore.js"
import { ConsentStore, type Pair } from "../stores/ConsentStore.js"
import { EventLog } from "../stores/EventLog.js"
import { GrantStore } from "../stores/GrantStore.js"
import { InitialAccessTokenStore } from "../stores/InitialAccessTokenStore.js"
import { RevokedTokenStore } from "../stores/RevokedTokenStore.js"
import { SessionStore } from "../stores/SessionStore.js"
import { SpentAssertionStore } from "../stores/SpentAssertionStore.js"
import * as ExpiryCutoffs from "./ExpiryCutoffs.js"
import { KeyRotation } from "./KeyRotation.js"
import type { MaintenanceCounts } from "./MaintenanceReport.js"

/** The result of one step. */
export interface StepResult {
  readonly counts: Partial<MaintenanceCounts>
  /** Whether the next pass should come soon, because there is more to do. */
  readonly more: boolean
  /** Whether the step stopped before its end. */
  readonly isUnfinished: boolean
}

/** A step of a pass. Its name is the count that it adds to, or the first of them. */
export interface Step {
  readonly name: keyof MaintenanceCounts
  readonly run: Effect.Effect<StepResult, TemporarilyUnavailable>
}

const deletion = (
  name: keyof MaintenanceCounts,
  prune: (limit: number) => Effect.Effect<number, TemporarilyUnavailable>
): Step => ({
  name,
  run: Effect.map(Batches.drain(prune), ({ count, next }) => ({
    counts: { [name]: count },
    more: Option.isSome(next),
    isUnfinished: Option.isSome(next)
  }))
})

/** Returns a function that gives the steps of a pass at an instant, in their order. */
export const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const consents = yield* ConsentStore
  const eventLog = yield* EventLog
  const grants = yield* GrantStore
  const initialAccessTokens = yield* InitialAccessTokenStore
  const keys = yield* KeyRotation
  const revokedTokens = yield* RevokedTokenStore
  const sessions = yield* SessionStore
  const spentAssertions = yield* SpentAssertionStore
  const { lifetimes } = yield* ServerSettings

  // A pass looks at every consent, so each pass continues after the last consent that the pass before it looked at.
  let lastConsent: Pair | undefined
  const consentsOfDeletedClients: Step = {
    name: "consents",
    run: Effect.suspend(() =>
      Batches.run<Pair | undefined, TemporarilyUnavailable, never>(lastConsent, consents.prune)
    ).pipe(
      Effect.map(({ count, next }) => {
        lastConsent = Option.getOrUndefined(next)
        // The consents that remain may have nothing to delete, so the next pass need not come soon.
        return { counts: { consents: count }, more: false, isUnfinished: Option.isSome(next) }
      })
    )
  }

  const advanceKeys: Step = {
    name: "resealed",
    run: Effect.map(keys.advance, ({ more, ...counts }) => ({ counts, more, isUnfinished: more }))
  }

  return (now: DateTime.Utc): ReadonlyArray<Step> => {
    const before = ExpiryCutoffs.at(now, lifetimes)
    return [
      deletion("grants", (limit) => grants.prune(before.grants, limit)),
      deletion("sessions", (limit) => sessions.prune(before.sessions, limit)),
      deletion("revokedTokens", (limit) => revokedTokens.prune(before.revokedTokens, limit)),
      deletion("spentAssertions", (limit) => spentAssertions.prune(before.spentAssertions, limit)),
      deletion("events", (limit) => eventLog.prune(before.events, limit)),
      deletion("clients", (limit) => clients.removeUnused(before.clients, limit)),
      deletion("abandonedClients", (limit) => clients.removeAbandoned(before.abandonedClients, limit)),
      deletion("initialAccessTokens", (limit) => initialAccessTokens.prune(before.initialAccessTokens, limit)),
      consentsOfDeletedClients,
      advanceKeys
    ]
  }
})
