/** `latchkey client`: clients, with the member names of RFC 7591. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Client from "../../domain/Client.js"
import * as Scope from "../../domain/Scope.js"
import * as ClientInformation from "../../http/views/ClientInformation.js"
import * as ClientView from "../../http/views/ClientView.js"
import { ClientRegistration, type Registered } from "../../services/clients/ClientRegistration.js"
import { Clients } from "../../services/clients/Clients.js"
import * as Lists from "../../services/stores/Lists.js"
import * as Database from "../settings/Database.js"
import * as Target from "../settings/Target.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as Change from "./Change.js"
import * as ClientOptions from "./ClientOptions.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

const options = {
  name: ClientOptions.name,
  redirectUris: ClientOptions.redirectUris,
  confidential: ClientOptions.confidential,
  authMethod: Options.choice("auth-method", ["client_secret_basic", "client_secret_post"]).pipe(
    Options.withDescription("How a confidential client sends its secret (default: client_secret_basic)"),
    Options.optional
  ),
  grants: ClientOptions.grants(
    "Grant type that the client may use; repeatable (default: authorization_code and refresh_token)"
  ),
  scope: ClientOptions.scope,
  json: Options.boolean("json").pipe(Options.withDescription("Print JSON, with the member names of RFC 7591")),
  ...Target.forCommand
}

export const listOptions = { json: options.json, ...Target.forCommand }

/** Returns the information about a client. It shows the stored scope: a command does not know the scopes of an app. */
export const information = (client: Client.Client, secret: Registered["secret"] = Option.none()) =>
  ClientInformation.toJson(client, client.metadata.scope ?? Scope.empty, secret)

/** Returns the rows of the table that describes a client. */
export const rows = ({ client, secret }: Registered): ReadonlyArray<readonly [string, string]> => {
  const { metadata } = client
  return [
    ["client_id", client.id],
    ...Option.match(secret, {
      onNone: () => [],
      onSome: (secret) => [["client_secret", `${Redacted.value(secret)}  (shown only once)`] as const]
    }),
    ["token_endpoint_auth_method", metadata.token_endpoint_auth_method],
    ["grant_types", metadata.grant_types.map(Output.printable).join(" ")],
    ...metadata.redirect_uris.map((uri) => ["redirect_uri", Output.printable(uri)] as const),
    ["scope", scopeOf(client)]
  ]
}

const scopeOf = ({ metadata, origin }: Client.Client): string => {
  if (origin === "Dynamic") return "all scopes of the resources"
  return metadata.scope === undefined ? "none: it may request no scope" : Scope.format(metadata.scope)
}

const describe = (registered: Registered, target: Target.Target): string => {
  const where = `${target.issuer} (${Database.format(target.database)})`
  return `The client ${Client.displayName(registered.client)} is registered at ${where}\n\n${Output.table(rows(registered))}`
}

export const create = Command.make(
  "create",
  options,
  ({ authMethod, confidential, grants, json, name, redirectUris, scope, ...flags }) =>
    Effect.gen(function* () {
      const target = yield* Target.load(flags)
      const requested = Option.filter(scope, (scope) => scope.size > 0)
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
          ...Record.getSomes({ scope: Option.map(requested, Scope.format) })
        })
        yield* Output.print(
          json ? Output.toJson(information(registered.client, registered.secret)) : describe(registered, target)
        )
        if (Option.isSome(requested)) return yield* ClientOptions.complainOfUnknown(requested.value)
        yield* Output.complain(
          `without --scope this client may request no scope; to change that, run latchkey client update ${registered.client.id} --scope SCOPE`
        )
      }).pipe(Effect.catchTags(ClientOptions.refusals(redirectUris)), WithServices.provide(target))
    })
).pipe(Command.withDescription("Register a client"))

/** Returns the line of a client in the list. */
const line = (client: Client.Client): string =>
  [
    DateTime.formatIso(client.issuedAt),
    client.id,
    (Client.isConfidential(client) ? "confidential" : "public").padEnd(12),
    (client.origin === "Operator" ? "by the operator" : "by itself").padEnd(15),
    ...(client.state === "Disabled" ? ["disabled"] : []),
    Client.displayName(client)
  ].join("  ")

export const list = Command.make("list", listOptions, ({ json, ...flags }) =>
  WithServices.onExisting(flags, (target) =>
    Effect.gen(function* () {
      const all = Array.from(yield* Stream.runCollect(Lists.clients))
      if (json) return yield* Output.print(Output.toJson(all.map((client) => ClientView.fromClient(client))))
      if (all.length === 0) return yield* Output.complain(`there is no client yet at ${target.issuer}`)
      yield* Effect.forEach(all, (client) => Output.print(line(client)))
    })
  )
).pipe(
  Command.withDescription("List the clients, oldest first. It shows when and by whom each was registered, and its name")
)

export const id = Args.text({ name: "ID" }).pipe(Args.withDescription("client_id, as latchkey client list shows it"))

export const show = Command.make("show", { id, ...listOptions }, ({ id, json, ...flags }) =>
  WithServices.onExisting(flags, () =>
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
).pipe(Command.withDescription("Show a client"))

const of = {
  argument: id,
  find: (text: string) =>
    Effect.map(Lookup.client(text), (client) => ({ id: client.id, name: Client.displayName(client) })),
  missing: Lookup.noSuchClient
}

export const disable = Change.make({
  ...of,
  verb: "disable",
  description: "Disable a client. It cannot request tokens, and all its tokens are revoked at once",
  apply: (id) => Effect.flatMap(Clients, ({ disable }) => disable(id)),
  done: ["client", "is disabled: it cannot request tokens, and its tokens are revoked"]
})

export const enable = Change.make({
  ...of,
  verb: "enable",
  description: "Enable a client. Tokens from before it was disabled stay revoked",
  apply: (id) => Effect.flatMap(Clients, ({ enable }) => enable(id)),
  done: ["client", "is enabled, and can request tokens again"]
})

export const remove = Change.make({
  ...of,
  // A deletion that broke off has deleted the client: the same command continues it.
  find: (text) =>
    of.find(text).pipe(
      Effect.catchTag("Failure", (failure) =>
        Option.match(Schema.decodeOption(Client.ClientId)(text), {
          onNone: () => failure,
          onSome: (id) => Effect.succeed({ id, name: Output.printable(text) })
        })
      )
    ),
  missing: (text) => impossible(`${Lookup.noSuchClient(text).message}; its tokens, if any were left, are revoked`),
  verb: "delete",
  description: "Delete a client. All its tokens are revoked at once",
  apply: (id) => Effect.flatMap(Clients, ({ remove }) => remove(id)),
  done: ["client", "is deleted, and its tokens are revoked"]
})

export const rotateSecret = Command.make("rotate-secret", { id, ...listOptions }, ({ id, json, ...flags }) =>
  WithServices.onExisting(flags, () =>
    Effect.gen(function* () {
      const before = yield* Lookup.client(id)
      const name = Client.displayName(before)
      if (!Client.isConfidential(before)) return yield* impossible(`the client ${name} is public, and has no secret`)
      const secret = yield* (yield* Clients).rotateSecret(before.id)
      if (Option.isNone(secret)) return yield* Lookup.noSuchClient(id)
      const client = yield* Lookup.client(id)
      yield* Output.print(
        json
          ? Output.toJson(information(client, secret))
          : `The client ${name} has a new secret. The old secret and all its tokens are revoked\n\n${Output.table(rows({ client, secret }))}`
      )
    })
  )
).pipe(
  Command.withDescription(
    "Replace the secret of a confidential client. The new secret is shown once. The old secret and all tokens of the client are revoked at once"
  )
)
