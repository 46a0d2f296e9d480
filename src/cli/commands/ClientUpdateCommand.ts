/** `latchkey client update`: changes a client that the operator made. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import * as Scope from "../../domain/Scope.js"
import { ClientRegistration } from "../../services/clients/ClientRegistration.js"
import { badUsage, impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as ClientCommands from "./ClientCommands.js"
import * as ClientOptions from "./ClientOptions.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

const options = {
  id: ClientCommands.id,
  name: ClientOptions.name.pipe(Options.optional),
  redirectUris: ClientOptions.redirectUris,
  confidential: ClientOptions.confidential,
  authMethod: Options.choice("auth-method", ["client_secret_basic", "client_secret_post", "none"]).pipe(
    Options.withDescription("How it sends its secret; none for a program that cannot keep one."),
    Options.optional
  ),
  grants: ClientOptions.grants("A grant type that it may use. May be given several times."),
  scope: ClientOptions.scope,
  ...ClientCommands.listOptions
}

/** What the change means for tokens that were issued to the client. */
const consequence = (before: Client.Client, after: Client.Client): string | undefined => {
  if (before.epoch !== after.epoch) {
    return `Everything issued to it is revoked, since it ${Client.isConfidential(after) ? "now keeps" : "no longer keeps"} a secret.`
  }
  const taken = Scope.difference(before.metadata.scope ?? Scope.empty, after.metadata.scope ?? Scope.empty)
  return Scope.isEmpty(taken)
    ? undefined
    : `It gets no new token with ${Scope.format(taken)}. Access tokens of people's grants carry it until they expire; to end them now, run latchkey grant revoke --client ${after.id}`
}

export const update = Command.make(
  "update",
  options,
  ({ authMethod, confidential, grants, id, json, name, redirectUris, scope, ...place }) =>
    WithServices.onExisting(place, () =>
      Effect.gen(function* () {
        if (confidential && Option.contains(authMethod, "none")) {
          return yield* badUsage("--confidential and --auth-method none contradict each other: give one of them")
        }
        const before = yield* Lookup.client(id)
        const newScope = yield* Effect.transposeMapOption(scope, ClientOptions.readScope)
        const keepsSecret = confidential && !Client.isConfidential(before) ? "client_secret_basic" : undefined
        const method = Option.orElse(authMethod, () => Option.fromNullable(keepsSecret))
        const changes = {
          ...ClientOptions.given("client_name", name),
          ...(redirectUris.length === 0 ? {} : { redirect_uris: redirectUris }),
          ...(grants.length === 0 ? {} : { grant_types: yield* ClientOptions.readGrants(grants) }),
          ...ClientOptions.given("token_endpoint_auth_method", method),
          ...ClientOptions.given("scope", Option.map(newScope, Scope.format))
        }
        if (Object.keys(changes).length === 0 && !confidential) {
          return yield* badUsage(
            "what is to change? give --name, --redirect-uri, --grant, --confidential, --auth-method or --scope"
          )
        }
        yield* ClientOptions.requireSecret(
          grants.length === 0 ? before.metadata.grant_types : grants,
          Option.match(method, { onNone: () => Client.isConfidential(before), onSome: (method) => method !== "none" })
        )
        const registered = yield* (yield* ClientRegistration).update(before.id, changes)
        const { client, secret } = registered
        const isSame = Option.isNone(secret) && Client.isSameMetadata(before.metadata, client.metadata)
        const said = consequence(before, client)
        yield* Output.print(
          json
            ? Output.toJson(ClientCommands.information(client, secret))
            : `The client ${Client.displayName(client)} is ${isSame ? "unchanged" : "changed"}\n\n${Output.table(ClientCommands.rows(registered))}`
        )
        if (said !== undefined) yield* Output.complain(said)
        if (Option.isSome(newScope)) yield* ClientOptions.complainOfUnknown(newScope.value)
      }).pipe(
        Effect.catchTags({
          ...ClientOptions.refusals(redirectUris),
          // It was deleted while this command ran.
          NotFound: () => Lookup.noSuchClient(id),
          Conflict: ({ description }) => impossible(description)
        })
      )
    )
).pipe(
  Command.withDescription(
    'Changes a client that was made by "client create". An option replaces the old value, a list as a whole; an empty --name or --scope removes it; values without an option stay. Grants and tokens stay, and new tokens hold no more than the client may now have. A client that gets or loses its secret loses all its grants and tokens.'
  )
)
