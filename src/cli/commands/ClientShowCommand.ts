/** `latchkey client show`. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import * as ClientView from "../../http/views/ClientView.js"
import * as Output from "../terminal/Output.js"
import * as ClientOptions from "./ClientOptions.js"
import * as ClientText from "./ClientText.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

export const show = WithServices.command(
  "show",
  "Show a client",
  { id: ClientOptions.id, json: ClientOptions.json },
  ({ id, json }) =>
    Effect.gen(function* () {
      const client = yield* Lookup.client(id)
      const details = Output.table([
        ...ClientText.rows({ client, secret: Option.none() }),
        ["registered", `${Output.instant(client.issuedAt)}, ${ClientText.registeredBy(client)}`],
        ...(client.origin === "Operator" ? [] : [["approved", ClientText.approvalOf(client)] as const]),
        ["last used", Option.match(client.usedAt, { onNone: () => "not yet", onSome: Output.instant })]
      ])
      yield* Output.result(
        json,
        ClientView.fromClient(client),
        `The client ${Client.displayName(client)} is ${client.state === "Enabled" ? "enabled" : "disabled"}\n\n${details}`
      )
    })
)
