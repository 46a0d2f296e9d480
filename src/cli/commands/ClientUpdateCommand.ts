/** `latchkey client update`: changes a client that the operator created. */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Client from "../../domain/Client.js"
import * as Scope from "../../domain/Scope.js"
import { ClientRegistration } from "../../services/clients/ClientRegistration.js"
import { badUsage, impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as ClientMetadataInput from "./ClientMetadataInput.js"
import * as ClientOptions from "./ClientOptions.js"
import * as ClientText from "./ClientText.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

const options = {
  id: ClientOptions.id,
  name: ClientOptions.name.pipe(Options.optional),
  redirectUris: ClientOptions.redirectUris,
  confidential: ClientOptions.confidential,
  authMethod: Options.choice("auth-method", [
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "none"
  ]).pipe(Options.withDescription("How the client authenticates; none makes it a public client"), Options.optional),
  jwks: ClientOptions.jwks,
  jwksUri: ClientOptions.jwksUri,
  grants: ClientOptions.grants("Grant type that the client may use; repeatable"),
  scope: ClientOptions.scope,
  json: ClientOptions.json
}

const howItAuthenticates = (client: Client.Client): string => {
  if (!Client.isConfidential(client)) return "does not authenticate any more"
  return Client.hasSecret(client)
    ? "has a secret now"
    : `authenticates by ${client.metadata.token_endpoint_auth_method} now`
}

/** Explains the effect of a change on issued tokens, if there is one. */
const consequence = (before: Client.Client, after: Client.Client): string | undefined => {
  if (before.epoch !== after.epoch) {
    return `All its grants and tokens are revoked, because it ${howItAuthenticates(after)}`
  }
  const removed = Scope.difference(before.metadata.scope ?? Scope.empty, after.metadata.scope ?? Scope.empty)
  return Scope.isEmpty(removed)
    ? undefined
    : `It gets no new token with ${Scope.format(removed)}. Access tokens of users' grants keep it until they expire; to revoke them now, run latchkey grant revoke --client ${after.id}`
}

export const update = WithServices.command(
  "update",
  'Change a client of "client create". Each option replaces the old value, a list as a whole; an empty --name or --scope removes the value; other values stay. Grants and tokens stay, and new tokens have at most the new scope. If the client authenticates in another way then, all its grants and tokens are revoked',
  options,
  ({ authMethod, confidential, grants, id, json, jwks, jwksUri, name, redirectUris, scope }) =>
    Effect.gen(function* () {
      if (confidential && Option.contains(authMethod, "none")) {
        return yield* badUsage("--confidential and --auth-method none contradict each other: give one of them")
      }
      yield* ClientMetadataInput.requireKeys(authMethod, { jwks, jwksUri })
      const before = yield* Lookup.client(id)
      const hasNewKeys = Option.isSome(jwks) || Option.isSome(jwksUri)
      if (hasNewKeys && Option.isNone(authMethod) && before.metadata.token_endpoint_auth_method !== "private_key_jwt") {
        return yield* badUsage(
          "--jwks and --jwks-uri are for a client that signs: give --auth-method private_key_jwt, too"
        )
      }
      const secretMethod = confidential && !Client.isConfidential(before) ? "client_secret_basic" : undefined
      const method = Option.orElse(authMethod, () => Option.fromNullable(secretMethod))
      const changes = {
        ...Record.getSomes({
          client_name: name,
          token_endpoint_auth_method: method,
          scope: Option.map(scope, Scope.format)
        }),
        ...ClientMetadataInput.keysOf({ jwks, jwksUri }),
        ...(redirectUris.length === 0 ? {} : { redirect_uris: redirectUris }),
        ...(grants.length === 0 ? {} : { grant_types: yield* ClientMetadataInput.readGrants(grants) })
      }
      if (Object.keys(changes).length === 0 && !confidential) {
        return yield* badUsage(
          "nothing to change: give --name, --redirect-uri, --grant, --confidential, --auth-method, --jwks, --jwks-uri or --scope"
        )
      }
      yield* ClientMetadataInput.requireSecret(
        grants.length === 0 ? before.metadata.grant_types : grants,
        Option.match(method, { onNone: () => Client.isConfidential(before), onSome: (method) => method !== "none" })
      )
      const registered = yield* (yield* ClientRegistration).update(before.id, changes)
      const { client, secret } = registered
      const isSame = Option.isNone(secret) && Client.isSameMetadata(before.metadata, client.metadata)
      const effect = consequence(before, client)
      yield* Output.result(
        json,
        ClientText.information(client, secret),
        `The client ${Client.displayName(client)} is ${isSame ? "unchanged" : "changed"}\n\n${Output.table(ClientText.rows(registered))}`
      )
      if (effect !== undefined) yield* Output.complain(effect)
      if (Option.isSome(scope)) yield* ClientMetadataInput.complainOfUnknown(scope.value)
    }).pipe(
      Effect.catchTags({
        ...ClientMetadataInput.refusals(redirectUris),
        // It was deleted while this command ran.
        NotFound: () => Lookup.noSuchClient(id),
        Conflict: ({ description }) => impossible(description)
      })
    )
)
