/** `latchkey client rotate-secret`. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import { Clients } from "../../services/clients/Clients.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as ClientOptions from "./ClientOptions.js"
import * as ClientText from "./ClientText.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

export const rotateSecret = WithServices.command(
  "rotate-secret",
  "Replace the secret of a confidential client. The new secret is shown once. The old secret and all tokens of the client are revoked at once",
  { id: ClientOptions.id, json: ClientOptions.json },
  ({ id, json }) =>
    Effect.gen(function* () {
      const before = yield* Lookup.client(id)
      const name = Client.displayName(before)
      if (!Client.isConfidential(before)) return yield* impossible(`the client ${name} is public, and has no secret`)
      if (!Client.hasSecret(before)) {
        const method = before.metadata.token_endpoint_auth_method
        return yield* impossible(`the client ${name} authenticates by ${method}, and has no secret`)
      }
      const secret = yield* (yield* Clients).rotateSecret(before.id)
      if (Option.isNone(secret)) return yield* Lookup.noSuchClient(id)
      const client = yield* Lookup.client(id)
      yield* Output.result(
        json,
        ClientText.information(client, secret),
        `The client ${name} has a new secret. The old secret and all its tokens are revoked\n\n${Output.table(ClientText.rows({ client, secret }))}`
      )
    })
)
