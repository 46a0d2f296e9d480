/** `latchkey client show`. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import * as ClientView from "../../http/views/ClientView.js"
import * as Output from "../terminal/Output.js"
import * as ClientOptions from "./ClientOptions.js"
import * as ClientText from "./ClientText.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

export const show = Command.make("show", { id: ClientOptions.id, ...ClientOptions.common }, ({ id, json, ...flags }) =>
  WithServices.onExisting(flags, () =>
    Effect.gen(function* () {
      const client = yield* Lookup.client(id)
      if (json) return yield* Output.print(Output.toJson(ClientView.fromClient(client)))
      const by = client.origin === "Operator" ? "the operator" : "itself"
      const details = Output.table([
        ...ClientText.rows({ client, secret: Option.none() }),
        ["registered", `${Output.instant(client.issuedAt)}, by ${by}`],
        ["last used", Option.match(client.usedAt, { onNone: () => "not yet", onSome: Output.instant })]
      ])
      yield* Output.print(
        `The client ${Client.displayName(client)} is ${client.state === "Enabled" ? "enabled" : "disabled"}\n\n${details}`
      )
    })
  )
).pipe(Command.withDescription("Show a client"))
