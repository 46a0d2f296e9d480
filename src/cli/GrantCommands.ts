/** `latchkey grant`: what people allowed which clients, and what became of it. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Stream from "effect/Stream"
import * as Client from "../domain/Client.js"
import type { Event, Happening } from "../domain/Event.js"
import * as Grant from "../domain/Grant.js"
import * as Scope from "../domain/Scope.js"
import * as Time from "../domain/Time.js"
import { ClientStore } from "../services/ClientStore.js"
import { Events } from "../services/Events.js"
import { GrantStore } from "../services/GrantStore.js"
import { TakingAway } from "../services/TakingAway.js"
import * as Beside from "./Beside.js"
import * as EventText from "./EventText.js"
import { badUsage } from "./Failure.js"
import * as Named from "./Named.js"
import * as Output from "./Output.js"
import * as Pages from "./Pages.js"
import * as ServerOptions from "./ServerOptions.js"

const id = Args.text({ name: "ID" }).pipe(Args.withDescription("The grant's id, as latchkey grant list shows it."))

const ofUser = (description: string) =>
  Options.text("user").pipe(Options.withPseudoName("NAME"), Options.withDescription(description), Options.optional)

const ofClient = (description: string) =>
  Options.text("client").pipe(Options.withPseudoName("ID"), Options.withDescription(description), Options.optional)

const json = Options.boolean("json").pipe(Options.withDescription("Prints it as JSON."))

/** How a grant stands now. */
type State = "Approved" | "Active" | "Expired" | "Revoked"

const stateAt = (now: DateTime.Utc) =>
  Grant.Grant.$match({
    Approved: ({ code }): State => (Time.isBefore(now, code.expiresAt) ? "Approved" : "Expired"),
    Active: ({ terms }): State => (Time.isBefore(now, terms.expiresAt) ? "Active" : "Expired"),
    Revoked: (): State => "Revoked"
  })

const words: Readonly<Record<State, string>> = {
  Approved: "allowed, and its code is not yet redeemed",
  Active: "active",
  Expired: "expired",
  Revoked: "revoked"
}

const toObject = (grant: Grant.Grant, state: State, username: string) => {
  const { terms } = grant
  return {
    id: terms.id,
    state,
    subject: terms.subject,
    username,
    client_id: terms.clientId,
    scope: Scope.format(terms.scope),
    resources: terms.resources,
    approved_at: DateTime.formatIso(terms.approvedAt),
    expires_at: DateTime.formatIso(terms.expiresAt),
    ...Option.match(redeemedAt(grant), {
      onNone: () => ({}),
      onSome: (at) => ({ redeemed_at: DateTime.formatIso(at) })
    }),
    ...(Grant.isRefreshable(grant)
      ? {
          generation: grant.chain.value.generation,
          refresh_token_expires_at: DateTime.formatIso(grant.chain.value.idleExpiresAt)
        }
      : {}),
    ...(grant._tag === "Revoked" ? { revoked_at: DateTime.formatIso(grant.revokedAt), reason: grant.reason } : {})
  }
}

const redeemedAt = Grant.Grant.$match({
  Approved: () => Option.none<DateTime.Utc>(),
  Active: ({ redeemedAt }) => Option.some(redeemedAt),
  Revoked: ({ redeemedAt }) => redeemedAt
})

export const list = Command.make(
  "list",
  {
    user: ofUser("Only what this account allowed; the id of one that was deleted is taken too."),
    client: ofClient("Only what was allowed to the client with this client_id."),
    json,
    ...ServerOptions.forCommand
  },
  ({ client, json, user, ...given }) =>
    Effect.gen(function* () {
      const clientId = yield* Named.optional(client, Named.clientId)
      yield* Beside.onExisting(given, () =>
        Effect.gen(function* () {
          const subject = yield* Named.optional(user, Named.subject)
          const person = yield* Named.people
          const toState = stateAt(yield* DateTime.now)
          const grants = Stream.mapEffect(Pages.grants({ subject, clientId }), (grant) =>
            Effect.map(person(grant.terms.subject), (name) => ({ grant, state: toState(grant), name }))
          )
          if (json) {
            const all = yield* Stream.runCollect(grants)
            const objects = Array.from(all, ({ grant, name, state }) => toObject(grant, state, name))
            return yield* Output.print(Output.toJson(objects))
          }
          const count = yield* Stream.runFoldEffect(grants, 0, (count, { grant: { terms }, name, state }) =>
            Effect.as(
              Output.print(
                [
                  DateTime.formatIso(terms.approvedAt),
                  terms.id,
                  state.toLowerCase().padEnd(8),
                  name,
                  terms.clientId,
                  Scope.format(terms.scope)
                ].join("  ")
              ),
              count + 1
            )
          )
          if (count === 0) yield* Output.complain("there is no such grant")
        })
      )
    })
).pipe(
  Command.withDescription(
    "Lists the grants, the oldest first: when they were allowed, their ids and states, by whom, to which client, for what."
  )
)

/** What the grant itself says, where its events were deleted in the meantime, or are still to be written. */
const facts = (grant: Grant.Grant): ReadonlyArray<Event> => {
  const { approvedAt, clientId, id, scope, subject } = grant.terms
  const ids = { grantId: id, subject, clientId }
  const fact = (at: DateTime.Utc, happening: Happening): Event => ({ id: "", at, happening })
  return [
    fact(approvedAt, { _tag: "Allowed", ...ids, scope: Scope.format(scope) }),
    ...Option.match(redeemedAt(grant), { onNone: () => [], onSome: (at) => [fact(at, { _tag: "Redeemed", ...ids })] }),
    ...(grant._tag === "Revoked" ? [fact(grant.revokedAt, { _tag: "Revoked", ...ids, reason: grant.reason })] : [])
  ]
}

const byTime = Order.mapInput(Order.number, ({ at }: Event) => at.epochMillis)

/** All that happened to a grant, in order. */
const storyOf = (grant: Grant.Grant) =>
  Effect.map(Stream.runCollect(Pages.events({ grantId: grant.terms.id })), (chunk) => {
    const events = Array.from(chunk)
    const told = new Set(events.map(({ happening }) => happening._tag))
    return [...events, ...facts(grant).filter(({ happening }) => !told.has(happening._tag))].sort(byTime)
  })

export const show = Command.make("show", { id, json, ...ServerOptions.forCommand }, ({ id, json, ...given }) =>
  Beside.onExisting(given, () =>
    Effect.gen(function* () {
      const grant = yield* Named.grant(id)
      const { terms } = grant
      const state = yield* currentState(grant)
      const username = yield* Effect.flatMap(Named.people, (person) => person(terms.subject))
      const story = yield* storyOf(grant)
      if (json) {
        const events = story.map((event) => {
          const {
            at,
            event: name,
            id: _,
            client_id: __,
            grant_id: ___,
            subject: ____,
            ...fields
          } = EventText.toObject(event)
          return { at, event: name, ...fields }
        })
        return yield* Output.print(Output.toJson({ ...toObject(grant, state, username), story: events }))
      }
      const client = yield* (yield* ClientStore).find(terms.clientId)
      const clientName = Option.match(client, { onNone: () => "deleted", onSome: Client.displayName })
      const why = grant._tag === "Revoked" ? `: ${EventText.reasons[grant.reason]}` : ""
      yield* Output.print(
        [
          `The grant ${terms.id} is ${words[state]}${why}`,
          Output.table([
            ["account", username],
            ["client", clientName === terms.clientId ? clientName : `${terms.clientId}  (${clientName})`],
            ["scope", Scope.format(terms.scope)],
            ...terms.resources.map((uri) => ["resource", uri] as const),
            ["ends", `${Output.instant(terms.expiresAt)}, at the latest`]
          ]),
          story.map(({ at, happening }) => `  ${Output.instant(at)}  ${EventText.sentence(happening)}`).join("\n")
        ].join("\n\n")
      )
    })
  )
).pipe(
  Command.withDescription(
    'Shows a grant, and all that happened to it, in order: the answer to "why was I logged out?".'
  )
)

/** How a grant stands: one whose account, client or consent was taken back is dead, whatever its own row says yet. */
const currentState = (grant: Grant.Grant) =>
  Effect.gen(function* () {
    const now = yield* DateTime.now
    const state = stateAt(now)(grant)
    if (state !== "Active") return state
    const active = yield* (yield* GrantStore).findActive(grant.terms.id, now, Option.none())
    return Option.isSome(active) ? state : "Revoked"
  })

/** Takes one grant back; `false` when that was done before. */
const revokeOne = (given: string) =>
  Effect.gen(function* () {
    const { terms } = yield* Named.grant(given)
    const isNew = yield* (yield* GrantStore).revoke(terms.id, "OperatorRevoked", yield* DateTime.now)
    if (isNew) {
      yield* (yield* Events).publish({
        _tag: "Revoked",
        grantId: terms.id,
        subject: terms.subject,
        clientId: terms.clientId,
        reason: "OperatorRevoked"
      })
    }
    return isNew ? 1 : 0
  })

/** Takes everything back, one person after the other; answers with how many it were. */
const revokeEverything = Effect.gen(function* () {
  const takingAway = yield* TakingAway
  const subjects = yield* Stream.runFold(Pages.grants({}), new Set<Grant.Terms["subject"]>(), (subjects, { terms }) =>
    subjects.add(terms.subject)
  )
  const revoked = yield* Effect.forEach(subjects, (subject) => takingAway.revokeGrants({ subject }))
  return revoked.flat().length
})

export const revoke = Command.make(
  "revoke",
  {
    id: Args.optional(id),
    user: ofUser("All that this account allowed."),
    client: ofClient("All that was allowed to the client with this client_id."),
    all: Options.boolean("all").pipe(Options.withDescription("All that anybody allowed any client.")),
    ...ServerOptions.forCommand
  },
  ({ all, client, id, user, ...given }) =>
    Effect.gen(function* () {
      const ways = [Option.isSome(id), Option.isSome(user), Option.isSome(client), all].filter((way) => way)
      if (ways.length !== 1) return yield* badUsage("which grants? give an ID, --user NAME, --client ID or --all")
      yield* Beside.onExisting(given, () =>
        Effect.gen(function* () {
          const count = yield* Effect.gen(function* () {
            if (Option.isSome(id)) return yield* revokeOne(id.value)
            const { revokeGrants } = yield* TakingAway
            if (Option.isSome(user)) {
              return (yield* revokeGrants({ subject: yield* Named.subject(user.value) })).length
            }
            if (Option.isSome(client)) {
              return (yield* revokeGrants({ clientId: (yield* Named.client(client.value)).id })).length
            }
            return yield* revokeEverything
          })
          yield* Output.print(count === 1 ? "1 grant is revoked" : `${count} grants are revoked`)
        })
      )
    })
).pipe(
  Command.withDescription("Takes grants back: what was issued for them is dead at once. It says how many it were.")
)
