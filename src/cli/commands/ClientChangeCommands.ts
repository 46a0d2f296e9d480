/** `latchkey client disable`, `enable` and `delete`. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Client from "../../domain/Client.js"
import { Clients } from "../../services/clients/Clients.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as Change from "./Change.js"
import * as ClientOptions from "./ClientOptions.js"
import * as Lookup from "./Lookup.js"

const of = {
  argument: ClientOptions.id,
  find: (text: string) =>
    Effect.map(Lookup.client(text), (client) => ({ id: client.id, name: Client.displayName(client) })),
  missing: Lookup.noSuchClient
}

export const disable = Change.make({
  ...of,
  find: Lookup.clientOrDocument,
  verb: "disable",
  description: "Disable a client. It cannot request tokens, and all its tokens are revoked at once",
  apply: (id) => Effect.flatMap(Clients, ({ disable }) => disable(id)),
  done: ["client", "is disabled: it cannot request tokens, and its tokens are revoked"]
})

export const enable = Change.make({
  ...of,
  verb: "enable",
  description: "Enable a client. Tokens from before it was disabled stay revoked",
  apply: (id) => Effect.flatMap(Clients, ({ enable }) => enable(id)),
  done: ["client", "is enabled, and can request tokens again"]
})

export const remove = Change.make({
  ...of,
  // A deletion that broke off has deleted the client: the same command continues it.
  find: (text) =>
    of.find(text).pipe(
      Effect.catchTag("Failure", (failure) =>
        Option.match(Schema.decodeOption(Client.ClientId)(text), {
          onNone: () => failure,
          onSome: (id) => Effect.succeed({ id, name: Output.printable(text) })
        })
      )
    ),
  missing: (text) => impossible(`${Lookup.noSuchClient(text).message}; its tokens, if any were left, are revoked`),
  verb: "delete",
  description: "Delete a client. All its tokens are revoked at once",
  apply: (id) => Effect.flatMap(Clients, ({ remove }) => remove(id)),
  done: ["client", "is deleted, and its tokens are revoked"]
})
