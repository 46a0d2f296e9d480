/** `latchkey grant`: what people allowed which clients, and what became of it. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Client from "../domain/Client.js"
import * as Grant from "../domain/Grant.js"
import * as ResourceScopes from "../domain/ResourceScopes.js"
import * as Scope from "../domain/Scope.js"
import * as EventView from "../domain/views/EventView.js"
import * as GrantView from "../domain/views/GrantView.js"
import { ClientStore } from "../services/ClientStore.js"
import * as GrantStory from "../services/GrantStory.js"
import * as Paging from "../services/Paging.js"
import { TakingAway } from "../services/TakingAway.js"
import * as Beside from "./Beside.js"
import * as BulkProgress from "./BulkProgress.js"
import * as EventText from "./EventText.js"
import { badUsage } from "./Failure.js"
import * as Named from "./Named.js"
import * as Output from "./Output.js"
import * as ServerOptions from "./ServerOptions.js"

const id = Args.text({ name: "ID" }).pipe(Args.withDescription("The grant's id, as latchkey grant list shows it."))

const ofUser = (description: string) =>
  Options.text("user").pipe(Options.withPseudoName("NAME"), Options.withDescription(description), Options.optional)

const ofClient = (description: string) =>
  Options.text("client").pipe(Options.withPseudoName("ID"), Options.withDescription(description), Options.optional)

const json = Options.boolean("json").pipe(Options.withDescription("Prints it as JSON."))

const words: Readonly<Record<Grant.Standing, string>> = {
  Approved: "allowed, and its code is not yet redeemed",
  Active: "active",
  Expired: "expired",
  Revoked: "revoked"
}

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
          const toState = Grant.standingAt(yield* DateTime.now)
          const grants = Stream.mapEffect(Paging.grants({ subject, clientId }), (grant) =>
            Effect.map(person(grant.terms.subject), (name) => ({ grant, state: toState(grant), name }))
          )
          if (json) {
            const all = yield* Stream.runCollect(grants)
            const objects = Array.from(all, ({ grant, name, state }) => GrantView.of(grant, state, name))
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
                  Scope.format(ResourceScopes.scope(terms.granted))
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

export const show = Command.make("show", { id, json, ...ServerOptions.forCommand }, ({ id, json, ...given }) =>
  Beside.onExisting(given, () =>
    Effect.gen(function* () {
      const grant = yield* Named.grant(id)
      const { terms } = grant
      const state = yield* GrantStory.standing(grant)
      const username = yield* Effect.flatMap(Named.people, (person) => person(terms.subject))
      const story = yield* GrantStory.events(grant)
      if (json) {
        const chapters = story.map(EventView.chapterOf)
        return yield* Output.print(Output.toJson({ ...GrantView.of(grant, state, username), story: chapters }))
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
            ["scope", Scope.format(ResourceScopes.scope(terms.granted))],
            ...Array.from(
              terms.granted,
              ([uri, scope]) => ["resource", `${uri}  ${Scope.format(scope)}`.trim()] as const
            ),
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

/** Takes one grant back; answers with how many it were. */
const revokeOne = (given: string) =>
  Effect.gen(function* () {
    const { terms } = yield* Named.grant(given)
    const revoked = yield* (yield* TakingAway).revokeGrant(terms.id)
    return Option.contains(revoked, true) ? 1 : 0
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
              return yield* revokeGrants({ subject: yield* Named.subject(user.value) })
            }
            if (Option.isSome(client)) {
              return yield* revokeGrants({ clientId: (yield* Named.client(client.value)).id })
            }
            return yield* revokeGrants({ everybody: true })
          }).pipe(BulkProgress.provide)
          yield* Output.print(count === 1 ? "1 grant is revoked" : `${count} grants are revoked`)
        })
      )
    })
).pipe(
  Command.withDescription("Takes grants back: what was issued for them is dead at once. It says how many it were.")
)
