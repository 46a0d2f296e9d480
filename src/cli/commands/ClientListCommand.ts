/** `latchkey client list`. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import * as ClientView from "../../http/views/ClientView.js"
import * as Lists from "../../services/stores/Lists.js"
import * as ClientOptions from "./ClientOptions.js"
import * as ClientText from "./ClientText.js"
import * as Listing from "./Listing.js"
import * as WithServices from "./WithServices.js"

const toLine = (client: Client.Client): string =>
  [
    DateTime.formatIso(client.issuedAt),
    client.id,
    (Client.isConfidential(client) ? "confidential" : "public").padEnd(12),
    ClientText.registeredBy(client).padEnd(15),
    ...(Option.isSome(client.approval) ? ["approved"] : []),
    ...(client.state === "Disabled" ? ["disabled"] : []),
    Client.displayName(client)
  ].join("  ")

export const list = WithServices.command(
  "list",
  "List the clients, oldest first. It shows when and by whom each was registered, and its name",
  { json: ClientOptions.json },
  ({ json }, { issuer }) =>
    Listing.print(json, Lists.clients, {
      toObject: (client) => ClientView.fromClient(client),
      toLine,
      empty: `there is no client yet at ${issuer}`
    })
)
