/** The tools of the demo. Each acts for the subject of the access token of its request. */
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Client from "../../domain/Client.js"
import { AccountStore } from "../../services/stores/AccountStore.js"
import { ClientStore } from "../../services/stores/ClientStore.js"
import { CurrentAccess } from "../../services/tokens/CurrentAccess.js"
import { Notes } from "./Notes.js"

/** The error of a tool, as text for the model that called it. */
const Refused = Schema.Struct({ message: Schema.String })

/** Hints for clients: a tool destroys nothing, and affects nothing outside of the demo. */
const hints = Context.make(Tool.Destructive, false).pipe(Context.add(Tool.OpenWorld, false))

const readonly = Context.add(hints, Tool.Readonly, true)

export const Tools = Toolkit.make(
  Tool.make("whoami", {
    description: "Shows the account that you act for, your client, and your granted scopes.",
    success: Schema.Struct({
      account: Schema.String,
      client: Schema.Struct({ id: Schema.String, name: Schema.String }),
      scopes: Schema.Array(Schema.String)
    }),
    failure: Refused
  }).annotateContext(readonly),
  Tool.make("list_notes", {
    description: "Lists the notes of the user you act for, oldest first.",
    success: Schema.Struct({ notes: Schema.Array(Schema.String) }),
    failure: Refused
  }).annotateContext(readonly),
  Tool.make("add_note", {
    description: "Writes a note for the user you act for.",
    parameters: { text: Schema.String.pipe(Schema.minLength(1), Schema.maxLength(1000)) },
    success: Schema.Struct({ count: Schema.Number }),
    failure: Refused
  }).annotateContext(hints)
)

/** The access of the caller. A tool runs inside its request, which the guard accepted. */
const caller = Effect.flatMap(
  Effect.serviceOption(CurrentAccess),
  Option.match({
    onNone: () => Effect.fail({ message: "no user is logged in" }),
    onSome: (access) => Effect.succeed(access)
  })
)

const busy = Effect.mapError(() => ({ message: "the server is busy: try again in a moment" }))

export const layer = Tools.toLayer(
  Effect.gen(function* () {
    const accounts = yield* AccountStore
    const clients = yield* ClientStore
    const notes = yield* Notes

    return {
      whoami: () =>
        Effect.gen(function* () {
          const { clientId, scope, subject } = yield* caller
          const account = yield* busy(accounts.find(subject))
          const client = yield* busy(clients.find(clientId))
          return {
            account: Option.match(account, { onNone: () => subject, onSome: ({ username }) => username }),
            client: {
              id: clientId,
              name: Option.match(client, { onNone: () => clientId, onSome: Client.displayName })
            },
            scopes: Array.from(scope)
          }
        }),
      list_notes: () =>
        Effect.gen(function* () {
          const { subject } = yield* caller
          return { notes: yield* notes.list(subject) }
        }),
      add_note: ({ text }) =>
        Effect.gen(function* () {
          const { scope, subject } = yield* caller
          // The guard has checked this already and answers 403; this check does not depend on the guard.
          if (!scope.has("notes:write")) return yield* Effect.fail({ message: "this needs the scope notes:write" })
          return { count: yield* notes.add(subject, text) }
        })
    }
  })
)
