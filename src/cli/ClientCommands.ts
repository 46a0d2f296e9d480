/** `latchkey client`: the programs that their operator registers (RFC 7591 names what is known of them). */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Client from "../domain/Client.js"
import * as ClientInformation from "../domain/ClientInformation.js"
import * as Scope from "../domain/Scope.js"
import { ClientRegistration, type Registered } from "../services/ClientRegistration.js"
import { ClientStore } from "../services/ClientStore.js"
import { GrantTypes } from "../services/GrantTypes.js"
import * as Beside from "./Beside.js"
import * as Database from "./Database.js"
import { badUsage } from "./Failure.js"
import * as Output from "./Output.js"
import * as ServerOptions from "./ServerOptions.js"

const options = {
  name: Options.text("name").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription("What people see when they are asked to allow it something.")
  ),
  redirectUris: Options.text("redirect-uri").pipe(
    Options.withPseudoName("URI"),
    Options.withDescription("Where people are sent back to. May be given several times."),
    Options.repeated
  ),
  confidential: Options.boolean("confidential").pipe(
    Options.withDescription("It can keep a secret, and gets one: a program on a server, not on people's devices.")
  ),
  authMethod: Options.choice("auth-method", ["client_secret_basic", "client_secret_post"]).pipe(
    Options.withDescription("How a confidential client sends its secret; client_secret_basic if not given."),
    Options.optional
  ),
  grants: Options.text("grant").pipe(
    Options.withPseudoName("GRANT_TYPE"),
    Options.withDescription(
      "A grant type that it may use. May be given several times; authorization_code and refresh_token if not given."
    ),
    Options.repeated,
    Options.withDefault<ReadonlyArray<string>>([])
  ),
  scope: Options.text("scope").pipe(
    Options.withPseudoName("SCOPE"),
    Options.withDescription('All that it may ever ask for, such as "notes:read notes:write".'),
    Options.optional
  ),
  json: Options.boolean("json").pipe(Options.withDescription("Prints it as JSON, under the names of RFC 7591.")),
  ...ServerOptions.forCommand
}

const listOptions = { json: options.json, ...ServerOptions.forCommand }

/** Refuses a grant type that the server does not have; a registration over HTTP would leave it out. */
const readGrants = (grants: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    if (grants.length === 0) return ["authorization_code", "refresh_token"]
    const names = yield* (yield* GrantTypes).names
    const unknown = grants.find((grant) => !names.includes(grant))
    return unknown === undefined
      ? grants
      : yield* badUsage(`--grant: there is no such grant type; use ${names.join(" or ")}`)
  })

const readScope = (scope: Option.Option<string>) =>
  Option.match(scope, {
    onNone: () => Effect.succeedNone,
    onSome: (text) =>
      Effect.mapBoth(Scope.parse(text.trim().replace(/ +/g, " ")), {
        onFailure: () =>
          badUsage('--scope: give scope tokens with spaces between them, such as "notes:read notes:write"'),
        onSuccess: (scope) => Option.some(Scope.format(scope))
      })
  })

/** What is known of a client. The command does not know what the server offers: what was given to it is shown. */
const information = (client: Client.Client, secret: Registered["secret"] = Option.none()) =>
  ClientInformation.toJson(client, client.metadata.scope ?? Scope.empty, secret)

/** A character as its JSON escapes: one, or two where UTF-16 has two. */
const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
    .join("")

/** JSON that does nothing to a terminal: names are strangers' words, so what is not printable in them is escaped. */
const toJson = (value: unknown): string =>
  JSON.stringify(value, null, 2).replace(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, escaped)

const describe = ({ client, secret }: Registered, place: ServerOptions.Place): string => {
  const { metadata } = client
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["client_id", client.id],
    ...Option.match(secret, {
      onNone: () => [],
      onSome: (secret) => [["client_secret", `${Redacted.value(secret)}  (shown now, and never again)`] as const]
    }),
    ["token_endpoint_auth_method", metadata.token_endpoint_auth_method],
    ["grant_types", metadata.grant_types.join(" ")],
    ...metadata.redirect_uris.map((uri) => ["redirect_uri", uri] as const),
    ["scope", metadata.scope === undefined ? "none: it may ask for nothing" : Scope.format(metadata.scope)]
  ]
  return [
    `The client ${Client.displayName(client)} is registered at ${place.issuer} (${Database.format(place.database)})`,
    "",
    ...rows.map(([name, value]) => `  ${name.padEnd(28)}${value}`)
  ].join("\n")
}

export const create = Command.make(
  "create",
  options,
  ({ authMethod, confidential, database, grants, issuer, json, name, redirectUris, scope }) =>
    Effect.gen(function* () {
      const place = yield* ServerOptions.readForCommand({ issuer, database })
      const given = yield* readScope(scope)
      const isConfidential = confidential || Option.isSome(authMethod)
      yield* Effect.gen(function* () {
        const registration = yield* ClientRegistration
        const registered = yield* registration.register(
          {
            client_name: name,
            redirect_uris: redirectUris,
            grant_types: yield* readGrants(grants),
            token_endpoint_auth_method: isConfidential
              ? Option.getOrElse(authMethod, () => "client_secret_basic")
              : "none",
            ...Option.match(given, { onNone: () => ({}), onSome: (scope) => ({ scope }) })
          },
          "Operator"
        )
        yield* Output.print(
          json ? toJson(information(registered.client, registered.secret)) : describe(registered, place)
        )
        if (Option.isNone(given)) {
          yield* Output.complain("without --scope this client may ask for nothing, whatever it is used for")
        }
      }).pipe(
        Effect.catchTags({
          InvalidClientMetadata: ({ description }) => badUsage(description.replace("the member client_name", "--name")),
          InvalidRedirectUri: ({ description, reason }) =>
            badUsage(
              reason === "Missing"
                ? "this client sends people to log in: give the --redirect-uri to which they are sent back"
                : `--redirect-uri: ${description}`
            )
        }),
        Beside.provide(place)
      )
    })
).pipe(Command.withDescription("Registers a client. It works beside a running server."))

/** One line of the list. */
const line = (client: Client.Client): string =>
  [
    DateTime.formatIso(client.issuedAt),
    client.id,
    (Client.isConfidential(client) ? "confidential" : "public").padEnd(12),
    (client.origin === "Operator" ? "by the operator" : "by itself").padEnd(15),
    Client.displayName(client)
  ].join("  ")

export const list = Command.make("list", listOptions, ({ database, issuer, json }) =>
  Effect.gen(function* () {
    const place = yield* ServerOptions.readForCommand({ issuer, database })
    yield* Beside.requireExisting(place)
    yield* Effect.gen(function* () {
      const all = yield* (yield* ClientStore).list
      if (json) return yield* Output.print(toJson(all.map((client) => information(client))))
      if (all.length === 0)
        return yield* Output.complain(`there is no client yet that is registered at ${place.issuer}`)
      yield* Effect.forEach(all, (client) => Output.print(line(client)))
    }).pipe(Beside.provide(place))
  })
).pipe(
  Command.withDescription(
    "Lists the clients, the oldest first: when and by whom they were registered, and their names."
  )
)
