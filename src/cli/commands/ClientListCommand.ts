/** `latchkey client list`. */
import * as Command from "@effect/cli/Command"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Client from "../../domain/Client.js"
import * as ClientView from "../../http/views/ClientView.js"
import * as Lists from "../../services/stores/Lists.js"
import * as Output from "../terminal/Output.js"
import * as ClientOptions from "./ClientOptions.js"
import * as WithServices from "./WithServices.js"

/** Returns the line of a client in the list. */
const line = (client: Client.Client): string =>
  [
    DateTime.formatIso(client.issuedAt),
    client.id,
    (Client.isConfidential(client) ? "confidential" : "public").padEnd(12),
    (client.origin === "Operator" ? "by the operator" : "by itself").padEnd(15),
    ...(client.state === "Disabled" ? ["disabled"] : []),
    Client.displayName(client)
  ].join("  ")

export const list = Command.make("list", ClientOptions.common, ({ json, ...flags }) =>
  WithServices.onExisting(flags, (target) =>
    Effect.gen(function* () {
      const all = Array.from(yield* Stream.runCollect(Lists.clients))
      if (json) return yield* Output.print(Output.toJson(all.map((client) => ClientView.fromClient(client))))
      if (all.length === 0) return yield* Output.complain(`there is no client yet at ${target.issuer}`)
      yield* Effect.forEach(all, (client) => Output.print(line(client)))
    })
  )
).pipe(
  Command.withDescription("List the clients, oldest first. It shows when and by whom each was registered, and its name")
)
