/** The origin of an event, and the account, client and grant that it is about, as text. */
import * as Effect from "effect/Effect"
import type { Subject } from "../../domain/Account.js"
import { type Actor, type Event, type EventKind, idsOf } from "../../domain/Event.js"
import * as Output from "../terminal/Output.js"

/** Returns a function from the subjects of an event to their names, for `origin` and `subjects`. */
export const namesIn = <E, R>(
  { actor, kind }: Event,
  find: (subject: Subject) => Effect.Effect<string, E, R>
): Effect.Effect<(subject: Subject) => string, E, R> => {
  const { subject } = idsOf(kind)
  const subjects = [...(subject === undefined ? [] : [subject]), ...(actor?._tag === "Person" ? [actor.subject] : [])]
  const pairs = Effect.forEach(subjects, (subject) => Effect.map(find(subject), (name) => [subject, name] as const))
  return Effect.map(pairs, (pairs) => {
    const names = new Map(pairs)
    return (subject) => names.get(subject) ?? subject
  })
}

const actorText = (actor: Actor, nameOf: (subject: Subject) => string): string => {
  switch (actor._tag) {
    case "Person":
      return `user ${nameOf(actor.subject)}${actor.clientId === undefined ? "" : ` through client ${actor.clientId}`}`
    case "Client":
      return `client ${actor.clientId}${actor.isAuthenticated ? "" : " (not authenticated)"}`
    case "Operator":
      return `operator ${actor.name}`
    case "Program":
      return `admin API client ${actor.clientId}`
    case "Server":
      return "the server"
    case "Anonymous":
      return "an anonymous request"
  }
}

/** Returns the stored actor, address and request id of an event. */
export const origin = ({ actor, address, requestId }: Event, nameOf: (subject: Subject) => string): string =>
  Output.printable(
    [
      ...(actor === undefined ? [] : [`by ${actorText(actor, nameOf)}`]),
      ...(address === undefined ? [] : [`from ${address}`]),
      ...(requestId === undefined ? [] : [`request=${requestId}`])
    ].join(" ")
  )

/** Returns the account, client and grant of an event, written as the options of `latchkey events` take them. */
export const subjects = (kind: EventKind, nameOf: (subject: Subject) => string): string => {
  const { clientId, grantId, subject } = idsOf(kind)
  return [
    ...(subject === undefined ? [] : [`user=${nameOf(subject)}`]),
    ...(clientId === undefined ? [] : [`client=${clientId}`]),
    ...(grantId === undefined ? [] : [`grant=${grantId}`])
  ].join(" ")
}
