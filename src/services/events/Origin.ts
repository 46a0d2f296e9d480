/**
 * Where an act comes from: who acts, and in which request. It is set at the edge, and events and logs take it from there,
 * so that no service has to hand it on (ADR 38).
 *
 * @example
 * // In an app: what this job does to accounts is done by the operator "nightly-job".
 * accounts.remove(subject).pipe(Origin.actingAs({ _tag: "Operator", name: "nightly-job" }))
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as MutableRef from "effect/MutableRef"
import type { Actor } from "../../domain/Event.js"

/** The origin of an act. */
export interface Origin {
  /** Whoever acts, as far as it is known by now: a request begins as an anonymous one. */
  readonly actor: MutableRef.MutableRef<Actor>
  /** Id of the HTTP request; `undefined` outside one. */
  readonly requestId: string | undefined
  /** The client's address or its network; `undefined` unless the setting `logAddresses` asks for it. */
  readonly address: string | undefined
}

const outsideRequests = (actor: Actor): Origin => ({
  actor: MutableRef.make(actor),
  requestId: undefined,
  address: undefined
})

/** The origin of what is done now. Outside a request, and unless somebody says otherwise, the server acts by itself. */
export class CurrentOrigin extends Context.Reference<CurrentOrigin>()("latchkey/CurrentOrigin", {
  defaultValue: (): Origin => outsideRequests({ _tag: "Server" })
}) {}

/** Names who acts in the request at hand, from now on. Outside a request it does nothing. */
export const identify = (actor: Actor): Effect.Effect<void> =>
  Effect.map(CurrentOrigin, (origin) => {
    if (origin.requestId !== undefined) MutableRef.set(origin.actor, actor)
  })

/** Runs an effect that somebody other than the server does outside a request, such as a job or a command. */
export const actingAs =
  (actor: Actor) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(self, CurrentOrigin, outsideRequests(actor))

/** The id of the request at hand; `undefined` outside one. */
export const requestId: Effect.Effect<string | undefined> = Effect.map(CurrentOrigin, ({ requestId }) => requestId)

/** What an event says of its origin. */
export const facts: Effect.Effect<{ readonly actor: Actor; readonly requestId?: string; readonly address?: string }> =
  Effect.map(CurrentOrigin, ({ actor, address, requestId }) => ({
    actor: MutableRef.get(actor),
    ...(requestId === undefined ? {} : { requestId }),
    ...(address === undefined ? {} : { address })
  }))
