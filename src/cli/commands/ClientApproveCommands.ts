/** `latchkey client approve` and `unapprove`. */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { Clients } from "../../services/clients/Clients.js"
import * as Output from "../terminal/Output.js"
import * as Change from "./Change.js"
import * as ClientOptions from "./ClientOptions.js"
import { text } from "./CommandOptions.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

const noResources: ReadonlyArray<string> = []

const resources = text(
  "resource",
  "URI",
  "Resource to which users grant the client access without a consent page, when they log in; repeatable"
).pipe(Options.repeated, Options.withDefault(noResources))

export const approve = WithServices.command(
  "approve",
  "Approve a client that registered itself or has a metadata document, so that it may ask users for access",
  { id: ClientOptions.id, resources },
  ({ id: given, resources }) =>
    Effect.gen(function* () {
      const without = new Set(yield* Effect.forEach(resources, (uri) => Lookup.resourceIndicator(uri, "--resource")))
      const { id, name } = yield* Lookup.clientOrDocument(given)
      if (!(yield* (yield* Clients).approve(id, without))) return yield* Lookup.noSuchClient(given)
      const consent =
        without.size === 0
          ? "users decide on the consent page"
          : `users are not asked for ${Array.from(without).join(", ")}, and decide on the consent page for all else`
      yield* Output.print(`The client ${name} is approved: ${consent}`)
    })
)

export const unapprove = Change.make({
  argument: ClientOptions.id,
  find: Lookup.clientOrDocument,
  missing: Lookup.noSuchClient,
  verb: "unapprove",
  description: "Withdraw the approval of a client. Its tokens stay valid: disable the client to revoke them",
  apply: (id) => Effect.flatMap(Clients, ({ unapprove }) => unapprove(id)),
  done: ["client", "is no longer approved"]
})
