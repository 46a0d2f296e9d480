/** `latchkey client`: the programs that their operator registers (RFC 7591 names what is known of them). */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Client from "../../domain/Client.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Scope from "../../domain/Scope.js"
import * as ClientInformation from "../../http/views/ClientInformation.js"
import * as ClientView from "../../http/views/ClientView.js"
import { ClientRegistration, type Registered } from "../../services/clients/ClientRegistration.js"
import { Clients } from "../../services/clients/Clients.js"
import * as Lists from "../../services/stores/Lists.js"
import * as Database from "../settings/Database.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as ClientOptions from "./ClientOptions.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

const options = {
  name: ClientOptions.name,
  redirectUris: ClientOptions.redirectUris,
  confidential: ClientOptions.confidential,
  authMethod: Options.choice("auth-method", ["client_secret_basic", "client_secret_post"]).pipe(
    Options.withDescription("How a confidential client sends its secret; client_secret_basic if not given."),
    Options.optional
  ),
  grants: ClientOptions.grants(
    "A grant type that it may use. May be given several times; authorization_code and refresh_token if not given."
  ),
  scope: ClientOptions.scope,
  json: Options.boolean("json").pipe(Options.withDescription("Prints it as JSON, under the names of RFC 7591.")),
  ...ServerOptions.forCommand
}

export const listOptions = { json: options.json, ...ServerOptions.forCommand }

/** What is known of a client. The command does not know what the server offers: what was given to it is shown. */
export const information = (client: Client.Client, secret: Registered["secret"] = Option.none()) =>
  ClientInformation.toJson(client, client.metadata.scope ?? Scope.empty, secret)

/** What people are told of a client. */
export const rows = ({ client, secret }: Registered): ReadonlyArray<readonly [string, string]> => {
  const { metadata } = client
  return [
    ["client_id", client.id],
    ...Option.match(secret, {
      onNone: () => [],
      onSome: (secret) => [["client_secret", `${Redacted.value(secret)}  (shown now, and never again)`] as const]
    }),
    ["token_endpoint_auth_method", metadata.token_endpoint_auth_method],
    ["grant_types", metadata.grant_types.map(Output.printable).join(" ")],
    ...metadata.redirect_uris.map((uri) => ["redirect_uri", Output.printable(uri)] as const),
    ["scope", scopeOf(client)]
  ]
}

const scopeOf = ({ metadata, origin }: Client.Client): string => {
  if (origin === "Dynamic") return "whatever the resources offer"
  return metadata.scope === undefined ? "none: it may ask for nothing" : Scope.format(metadata.scope)
}

const describe = (registered: Registered, place: ServerOptions.Place): string => {
  const where = `${place.issuer} (${Database.format(place.database)})`
  return `The client ${Client.displayName(registered.client)} is registered at ${where}\n\n${Output.table(rows(registered))}`
}

export const create = Command.make(
  "create",
  options,
  ({ authMethod, confidential, database, grants, issuer, json, name, redirectUris, scope }) =>
    Effect.gen(function* () {
      const place = yield* ServerOptions.read({ issuer, database })
      const given = Option.filter(
        yield* Effect.transposeMapOption(scope, ClientOptions.readScope),
        (scope) => scope.size > 0
      )
      const isConfidential = confidential || Option.isSome(authMethod)
      yield* ClientOptions.requireSecret(grants, isConfidential)
      yield* Effect.gen(function* () {
        const registration = yield* ClientRegistration
        const registered = yield* registration.create({
          client_name: name,
          redirect_uris: redirectUris,
          grant_types:
            grants.length === 0 ? ["authorization_code", "refresh_token"] : yield* ClientOptions.readGrants(grants),
          token_endpoint_auth_method: isConfidential
            ? Option.getOrElse(authMethod, () => "client_secret_basic")
            : "none",
          ...ClientOptions.given("scope", Option.map(given, Scope.format))
        })
        yield* Output.print(
          json ? Output.toJson(information(registered.client, registered.secret)) : describe(registered, place)
        )
        if (Option.isSome(given)) return yield* ClientOptions.complainOfUnknown(given.value)
        yield* Output.complain(
          `without --scope this client may ask for nothing; to change that, run latchkey client update ${registered.client.id} --scope SCOPE`
        )
      }).pipe(Effect.catchTags(ClientOptions.refusals(redirectUris)), WithServices.provide(place))
    })
).pipe(Command.withDescription("Registers a client. It works beside a running server."))

/** One line of the list. */
const line = (client: Client.Client): string =>
  [
    DateTime.formatIso(client.issuedAt),
    client.id,
    (Client.isConfidential(client) ? "confidential" : "public").padEnd(12),
    (client.origin === "Operator" ? "by the operator" : "by itself").padEnd(15),
    ...(client.state === "Disabled" ? ["disabled"] : []),
    Client.displayName(client)
  ].join("  ")

export const list = Command.make("list", listOptions, ({ json, ...given }) =>
  WithServices.onExisting(given, (place) =>
    Effect.gen(function* () {
      const all = Array.from(yield* Stream.runCollect(Lists.clients))
      if (json) return yield* Output.print(Output.toJson(all.map((client) => ClientView.fromClient(client))))
      if (all.length === 0)
        return yield* Output.complain(`there is no client yet that is registered at ${place.issuer}`)
      yield* Effect.forEach(all, (client) => Output.print(line(client)))
    })
  )
).pipe(
  Command.withDescription(
    "Lists the clients, the oldest first: when and by whom they were registered, and their names."
  )
)

export const id = Args.text({ name: "ID" }).pipe(
  Args.withDescription("The client_id, as latchkey client list shows it.")
)

export const show = Command.make("show", { id, ...listOptions }, ({ id, json, ...given }) =>
  WithServices.onExisting(given, () =>
    Effect.gen(function* () {
      const client = yield* Lookup.client(id)
      if (json) return yield* Output.print(Output.toJson(ClientView.fromClient(client)))
      const by = client.origin === "Operator" ? "the operator" : "itself"
      const details = Output.table([
        ...rows({ client, secret: Option.none() }),
        ["registered", `${Output.instant(client.issuedAt)}, by ${by}`],
        ["last used", Option.match(client.usedAt, { onNone: () => "not yet", onSome: Output.instant })]
      ])
      yield* Output.print(
        `The client ${Client.displayName(client)} is ${client.state === "Enabled" ? "enabled" : "disabled"}\n\n${details}`
      )
    })
  )
).pipe(Command.withDescription("Shows all that is known of a client."))

/** A command that does one thing to a client, and says so. */
const change = (
  verb: string,
  description: string,
  apply: (
    clients: Context.Tag.Service<Clients>
  ) => (id: Client.ClientId) => Effect.Effect<boolean, TemporarilyUnavailable>,
  done: string
) =>
  Command.make(verb, { id, ...ServerOptions.forCommand }, ({ id, ...given }) =>
    WithServices.onExisting(given, () =>
      Effect.gen(function* () {
        const client = yield* Lookup.client(id)
        // Somebody else may have been faster.
        if (!(yield* apply(yield* Clients)(client.id))) return yield* Lookup.noSuchClient(id)
        yield* Output.print(`The client ${Client.displayName(client)} ${done}`)
      })
    )
  ).pipe(Command.withDescription(description))

export const disable = change(
  "disable",
  "Shuts a client out: it can ask for nothing, and whatever was issued to it is dead at once.",
  ({ disable }) => disable,
  "is disabled: it can ask for nothing, and everything issued to it is dead"
)

export const enable = change(
  "enable",
  "Lets a client in again. What was issued before it was shut out stays dead.",
  ({ enable }) => enable,
  "is enabled, and can ask again"
)

export const remove = change(
  "delete",
  "Deletes a client for good. Whatever was issued to it is dead at once.",
  ({ remove }) => remove,
  "is deleted, and everything issued to it is dead"
)

export const rotateSecret = Command.make("rotate-secret", { id, ...listOptions }, ({ id, json, ...given }) =>
  WithServices.onExisting(given, () =>
    Effect.gen(function* () {
      const before = yield* Lookup.client(id)
      const name = Client.displayName(before)
      if (!Client.isConfidential(before))
        return yield* impossible(`the client ${name} is a public one, and has no secret`)
      const secret = yield* (yield* Clients).rotateSecret(before.id)
      if (Option.isNone(secret)) return yield* Lookup.noSuchClient(id)
      const client = yield* Lookup.client(id)
      yield* Output.print(
        json
          ? Output.toJson(information(client, secret))
          : `The client ${name} has a new secret: the old one, and everything issued to it, is dead\n\n${Output.table(rows({ client, secret }))}`
      )
    })
  )
).pipe(
  Command.withDescription(
    "Gives a confidential client a new secret, shown once. The old one, and whatever was issued to it, is dead at once."
  )
)
