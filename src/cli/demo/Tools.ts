/** The demo's tools. Each acts for whoever the access token of its request speaks for. */
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

/** Why a tool did nothing, in words for the model that called it. */
const Refused = Schema.Struct({ message: Schema.String })

/** What a client may take for granted of a tool: it loses nothing, and stays within the demo. */
const gentle = Context.make(Tool.Destructive, false).pipe(Context.add(Tool.OpenWorld, false))

const readonly = Context.add(gentle, Tool.Readonly, true)

export const Tools = Toolkit.make(
  Tool.make("whoami", {
    description: "Says whom you act for: the account, the client that you are, and the scopes that you were given.",
    success: Schema.Struct({
      account: Schema.String,
      client: Schema.Struct({ id: Schema.String, name: Schema.String }),
      scopes: Schema.Array(Schema.String)
    }),
    failure: Refused
  }).annotateContext(readonly),
  Tool.make("list_notes", {
    description: "Lists the notes of the person you act for, the oldest first.",
    success: Schema.Struct({ notes: Schema.Array(Schema.String) }),
    failure: Refused
  }).annotateContext(readonly),
  Tool.make("add_note", {
    description: "Writes a note for the person you act for.",
    parameters: { text: Schema.String.pipe(Schema.minLength(1), Schema.maxLength(1000)) },
    success: Schema.Struct({ count: Schema.Number }),
    failure: Refused
  }).annotateContext(gentle)
)

/** What a tool needs beyond the guard's own scope. */
export const scopesOf: Readonly<Record<string, ReadonlyArray<string>>> = { add_note: ["notes:read", "notes:write"] }

/** Whoever calls: a tool runs inside the request that called it, which came through the guard. */
const caller = Effect.flatMap(
  Effect.serviceOption(CurrentAccess),
  Option.match({
    onNone: () => Effect.fail({ message: "nobody is logged in" }),
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
          // The endpoint has asked for this already, so that the client heard it as HTTP has it; here it is certain.
          if (!scope.has("notes:write")) return yield* Effect.fail({ message: "this needs the scope notes:write" })
          return { count: yield* notes.add(subject, text) }
        })
    }
  })
)
