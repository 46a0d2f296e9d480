/** `latchkey grant show` and `grant revoke`. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import type * as Grant from "../../domain/Grant.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import * as EventView from "../../http/views/EventView.js"
import * as GrantView from "../../http/views/GrantView.js"
import { GrantHistory } from "../../services/grants/GrantHistory.js"
import { GrantRevocation } from "../../services/grants/GrantRevocation.js"
import { ClientStore } from "../../services/stores/ClientStore.js"
import * as Target from "../settings/Target.js"
import { badUsage } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as BulkProgress from "./BulkProgress.js"
import { flag, json, optional } from "./CommandOptions.js"
import * as EventReasons from "./EventReasons.js"
import * as EventSentences from "./EventSentences.js"
import * as EventText from "./EventText.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

const id = Args.text({ name: "ID" }).pipe(Args.withDescription("Id of the grant, as latchkey grant list shows it"))

const words: Readonly<Record<Grant.Status, string>> = {
  Approved: "approved, and its code is not redeemed yet",
  Active: "active",
  Expired: "expired",
  Revoked: "revoked"
}

export const show = WithServices.command(
  "show",
  'Show a grant and its events, oldest first. It answers "why was I logged out?"',
  { id, json },
  ({ id, json }) =>
    Effect.gen(function* () {
      const grant = yield* Lookup.grant(id)
      const { terms } = grant
      const history = yield* GrantHistory
      const state = yield* history.status(grant)
      const nameOf = yield* Lookup.names
      const username = yield* nameOf(terms.subject)
      const events = yield* history.entries(grant)
      if (json) {
        const story = events.map(EventView.entryFromEvent)
        return yield* Output.print(Output.toJson({ ...GrantView.fromGrant(grant, state, username), story }))
      }
      const client = yield* (yield* ClientStore).find(terms.clientId)
      const clientName = Option.match(client, { onNone: () => "deleted", onSome: Client.displayName })
      const why = grant._tag === "Revoked" ? `: ${EventReasons.ofRevocation[grant.reason]}` : ""
      const entries = yield* Effect.forEach(events, (event) =>
        Effect.map(EventText.namesIn(event, nameOf), (nameOf) =>
          ["", Output.instant(event.at), EventSentences.sentence(event.kind), EventText.origin(event, nameOf)]
            .join("  ")
            .trimEnd()
        )
      )
      yield* Output.print(
        [
          `The grant ${terms.id} is ${words[state]}${why}`,
          Output.table([
            ["account", username],
            ["client", clientName === terms.clientId ? clientName : `${terms.clientId}  (${clientName})`],
            ["redirect URI", terms.redirectUri],
            ["scope", Scope.format(ResourceScopes.scope(terms.granted))],
            ...Array.from(
              terms.granted,
              ([uri, scope]) => ["resource", `${uri}  ${Scope.format(scope)}`.trim()] as const
            ),
            ["expires", `${Output.instant(terms.expiresAt)}, if it is not revoked before`]
          ]),
          entries.join("\n")
        ].join("\n\n")
      )
    })
)

/** Revokes one grant. Returns the number of grants that this call revoked. */
const revokeOne = (id: string) =>
  Effect.gen(function* () {
    const { terms } = yield* Lookup.grant(id)
    const revoked = yield* (yield* GrantRevocation).revoke(terms.id)
    return Option.contains(revoked, true) ? 1 : 0
  })

export const revoke = Command.make(
  "revoke",
  {
    id: Args.optional(id),
    user: optional("user", "NAME", "Revoke all grants of this account"),
    client: optional("client", "ID", "Revoke all grants of this client"),
    all: flag("all", "Revoke all grants of all accounts and clients"),
    ...Target.forCommand
  },
  ({ all, client, id, user, ...flags }) =>
    Effect.gen(function* () {
      const choices = [Option.isSome(id), Option.isSome(user), Option.isSome(client), all].filter((isGiven) => isGiven)
      if (choices.length !== 1) return yield* badUsage("which grants? give an ID, --user NAME, --client ID or --all")
      const revoked = Effect.gen(function* () {
        if (Option.isSome(id)) return yield* revokeOne(id.value)
        const { revokeAll } = yield* GrantRevocation
        if (Option.isSome(user)) return yield* revokeAll({ subject: yield* Lookup.subject(user.value) })
        if (Option.isSome(client)) return yield* revokeAll({ clientId: (yield* Lookup.client(client.value)).id })
        return yield* revokeAll({ everybody: true })
      })
      const count = yield* WithServices.onExisting(flags, () => BulkProgress.at(BulkProgress.besideServer)(revoked))
      yield* Output.print(count === 1 ? "1 grant is revoked" : `${count} grants are revoked`)
    })
).pipe(
  Command.withDescription(
    "Revoke grants, and print their number. Their tokens are invalid at once. --user, --client and --all also withdraw consents, so that users are asked again; --client and --all also revoke the tokens of the client credentials grant"
  )
)
