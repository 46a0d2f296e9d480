/**
 * The origin of an action: the actor and the request. The edge sets it, and events and logs read it, so that no service has
 * to pass it on (ADR 38).
 *
 * @example
 * import { Effect } from "effect"
 * import type { Subject } from "latchkey/Account"
 * import { Accounts } from "latchkey/Accounts"
 * import * as Origin from "latchkey/Origin"
 *
 * // The events of this job name the operator "nightly-job" as their actor.
 * const remove = (subject: Subject) =>
 *   Effect.flatMap(Accounts, (accounts) => accounts.remove(subject)).pipe(
 *     Origin.actingAs({ _tag: "Operator", name: "nightly-job" })
 *   )
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import type { Actor } from "../../domain/Event.js"

/** The origin of an action. */
export interface Origin {
  /** The actor, as far as it is known: a request is anonymous until a client or a user is authenticated. */
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

/** The origin of the present action. Outside a request the actor is the server, unless `actingAs` names another. */
export class CurrentOrigin extends Context.Reference<CurrentOrigin>()("latchkey/CurrentOrigin", {
  defaultValue: (): Origin => outsideRequests({ _tag: "Server" })
}) {}

/**
 * Sets the actor of the request that the running fiber answers, from now on. Outside a request it does nothing. It is no
 * effect, because it runs on every request.
 */
export const identify = (actor: Actor): void => {
  const fiber = Option.getOrUndefined(Fiber.getCurrentFiber())
  const origin = fiber === undefined ? undefined : Context.get(fiber.currentContext, CurrentOrigin)
  if (origin?.requestId !== undefined) MutableRef.set(origin.actor, actor)
}

/** Runs an effect outside a request, such as a job or a command, with an actor other than the server. */
export const actingAs =
  (actor: Actor) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(self, CurrentOrigin, outsideRequests(actor))

/** Returns the id of the present request; `undefined` outside one. */
export const requestId: Effect.Effect<string | undefined> = Effect.map(CurrentOrigin, ({ requestId }) => requestId)

/** Returns the fields of an origin that an event has. */
export const factsOf = ({ actor, address, requestId }: Origin) => ({
  actor: MutableRef.get(actor),
  ...(requestId === undefined ? {} : { requestId }),
  ...(address === undefined ? {} : { address })
})
