/** `latchkey client create`. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Client from "../../domain/Client.js"
import * as Scope from "../../domain/Scope.js"
import { ClientRegistration, type Registered } from "../../services/clients/ClientRegistration.js"
import * as Database from "../settings/Database.js"
import * as Target from "../settings/Target.js"
import * as Output from "../terminal/Output.js"
import * as ClientMetadataInput from "./ClientMetadataInput.js"
import * as ClientOptions from "./ClientOptions.js"
import * as ClientText from "./ClientText.js"
import * as WithServices from "./WithServices.js"

const options = {
  name: ClientOptions.name,
  redirectUris: ClientOptions.redirectUris,
  confidential: ClientOptions.confidential,
  authMethod: Options.choice("auth-method", ["client_secret_basic", "client_secret_post", "private_key_jwt"]).pipe(
    Options.withDescription("How a confidential client authenticates (default: client_secret_basic)"),
    Options.optional
  ),
  jwks: ClientOptions.jwks,
  jwksUri: ClientOptions.jwksUri,
  grants: ClientOptions.grants(
    "Grant type that the client may use; repeatable (default: authorization_code and refresh_token)"
  ),
  scope: ClientOptions.scope,
  json: ClientOptions.json,
  ...Target.forCommand
}

const describe = (registered: Registered, target: Target.Target): string => {
  const where = `${target.issuer} (${Database.format(target.database)})`
  return `The client ${Client.displayName(registered.client)} is registered at ${where}\n\n${Output.table(ClientText.rows(registered))}`
}

export const create = Command.make(
  "create",
  options,
  ({ authMethod, confidential, grants, json, jwks, jwksUri, name, redirectUris, scope, ...flags }) =>
    Effect.gen(function* () {
      const target = yield* Target.load(flags)
      const requested = Option.filter(scope, (scope) => scope.size > 0)
      const method =
        Option.isNone(jwks) && Option.isNone(jwksUri)
          ? authMethod
          : Option.orElseSome(authMethod, () => "private_key_jwt" as const)
      yield* ClientMetadataInput.requireKeys(method, { jwks, jwksUri })
      yield* ClientMetadataInput.requireSecret(grants, confidential || Option.isSome(method))
      yield* Effect.gen(function* () {
        const registration = yield* ClientRegistration
        const registered = yield* registration.create({
          client_name: name,
          redirect_uris: redirectUris,
          grant_types:
            grants.length === 0
              ? ["authorization_code", "refresh_token"]
              : yield* ClientMetadataInput.readGrants(grants),
          token_endpoint_auth_method: Option.getOrElse(method, () => (confidential ? "client_secret_basic" : "none")),
          ...ClientMetadataInput.keysOf({ jwks, jwksUri }),
          ...Record.getSomes({ scope: Option.map(requested, Scope.format) })
        })
        yield* Output.result(
          json,
          ClientText.information(registered.client, registered.secret),
          describe(registered, target)
        )
        if (Option.isSome(requested)) return yield* ClientMetadataInput.complainOfUnknown(requested.value)
        yield* Output.complain(
          `without --scope this client may request no scope; to change that, run latchkey client update ${registered.client.id} --scope SCOPE`
        )
      }).pipe(Effect.catchTags(ClientMetadataInput.refusals(redirectUris)), WithServices.provide(target))
    })
).pipe(Command.withDescription("Register a client"))
