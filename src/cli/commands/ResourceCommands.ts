/** `latchkey resource`: what the server guards, beside what an app composes into it. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Issuer } from "../../domain/Issuer.js"
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import * as ResourceView from "../../http/views/ResourceView.js"
import { ResourceRegistration } from "../../services/resources/ResourceRegistration.js"
import { ResourceStore, type StoredResource } from "../../services/stores/ResourceStore.js"
import * as Database from "../settings/Database.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import { badUsage, impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as WithServices from "./WithServices.js"

const uri = Args.text({ name: "URI" }).pipe(
  Args.withDescription("Its own address, as its clients know it, such as https://notes.example.com/mcp.")
)

const options = {
  uri,
  name: Options.text("name").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription("What people see when they are asked to allow access to it; its address if not given."),
    Options.optional
  ),
  scopes: Options.text("scope").pipe(
    Options.withPseudoName("SCOPE=SENTENCE"),
    Options.withDescription(
      'What it can be used for, such as "notes:read=Read your notes": the scope that clients ask for, and the sentence that people read before they allow it. May be given several times.'
    ),
    Options.repeated
  ),
  introspects: Options.boolean("introspects").pipe(
    Options.withDescription(
      "It asks this server about the tokens that it is sent (RFC 7662), and gets a secret for it."
    )
  ),
  json: Options.boolean("json").pipe(Options.withDescription("Prints it as JSON.")),
  ...ServerOptions.forCommand
}

const readUri = (text: string) =>
  Effect.mapError(Schema.decode(Resource.ResourceIndicator)(text), (error) =>
    badUsage(`URI: ${ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message}`)
  )

const isSentence = Schema.is(Resource.Sentence)

const readName = (text: string) =>
  isSentence(text.trim())
    ? Effect.succeed(text.trim())
    : badUsage("--name: give 1 to 200 characters, all of them printable")

/** Reads `notes:read=Read your notes`. A token that holds an equals sign cannot be written so. */
const readScope = (text: string) => {
  const [token = ""] = text.split("=", 1)
  const sentence = text.slice(token.length + 1).trim()
  return Schema.is(Scope.ScopeToken)(token) && isSentence(sentence)
    ? Effect.succeed([token, sentence] as const)
    : badUsage('--scope: give a scope and what people read of it, such as "notes:read=Read your notes"')
}

const readScopes = (texts: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const scopes = yield* Effect.forEach(texts, readScope)
    if (scopes.length === 0) {
      return yield* badUsage('what can it be used for? give a --scope, such as "notes:read=Read your notes"')
    }
    const tokens = scopes.map(([token]) => token)
    const twice = tokens.find((token, index) => tokens.indexOf(token) !== index)
    return twice === undefined ? Object.fromEntries(scopes) : yield* badUsage(`--scope: "${twice}" is given twice`)
  })

const describe = (resource: StoredResource, secret: Option.Option<Redacted.Redacted>, place: ServerOptions.Place) => {
  const scopes = Output.table(Object.entries(resource.scopes))
  const where = `${place.issuer} (${Database.format(place.database)})`
  return [
    `The resource ${resource.name ?? resource.uri} is guarded by ${where}`,
    scopes,
    ...Option.match(Option.all({ credentials: resource.credentials, secret }), {
      onNone: () => [],
      onSome: ({ credentials, secret }) => [introspection(place.issuer, credentials.id, secret)]
    })
  ].join("\n\n")
}

const introspection = (issuer: Issuer, id: Resource.ResourceServerId, secret: Redacted.Redacted) =>
  [
    `It asks ${issuer}/introspect about the tokens that it is sent, by HTTP Basic, as`,
    "",
    Output.table([
      ["id", id],
      ["secret", `${Redacted.value(secret)}  (shown now, and never again)`]
    ])
  ].join("\n")

export const create = Command.make("create", options, ({ introspects, json, name, scopes, uri, ...given }) =>
  Effect.gen(function* () {
    const place = yield* ServerOptions.read(given)
    const indicator = yield* readUri(uri)
    const title = yield* Effect.transposeMapOption(name, readName)
    const offered = yield* readScopes(scopes)
    yield* Effect.gen(function* () {
      const { resource, secret } = yield* (yield* ResourceRegistration).register({
        uri: indicator,
        ...Option.match(title, { onNone: () => ({}), onSome: (name) => ({ name }) }),
        scopes: offered,
        introspects
      })
      yield* Output.print(
        json ? Output.toJson(ResourceView.fromResource(resource, secret)) : describe(resource, secret, place)
      )
    }).pipe(
      Effect.catchTags({
        UriTaken: () => impossible(`there is a resource ${indicator} already`),
        ScopeTaken: ({ by, token }) =>
          impossible(`the resource ${by} offers the scope "${token}" already: give each resource scopes of its own`)
      }),
      WithServices.provide(place)
    )
  })
).pipe(
  Command.withDescription(
    "Makes a resource: an API or MCP server that takes this server's tokens. A running server knows it within a second."
  )
)

export const list = Command.make("list", { json: options.json, ...ServerOptions.forCommand }, ({ json, ...given }) =>
  WithServices.onExisting(given, (place) =>
    Effect.gen(function* () {
      const all = yield* (yield* ResourceStore).list
      if (json) return yield* Output.print(Output.toJson(all.map((resource) => ResourceView.fromResource(resource))))
      if (all.length === 0) return yield* Output.complain(`there is no resource yet that was made at ${place.issuer}`)
      yield* Effect.forEach(all, (resource) =>
        Output.print(
          [
            resource.uri,
            Scope.format(Resource.scope(resource)),
            ...(Option.isSome(resource.credentials) ? ["introspects"] : []),
            ...(resource.name === undefined ? [] : [Output.printable(resource.name)])
          ].join("  ")
        )
      )
    })
  )
).pipe(
  Command.withDescription(
    "Lists the resources that were made so, by their addresses. What an app guards itself is not among them."
  )
)

export const remove = Command.make("delete", { uri, ...ServerOptions.forCommand }, ({ uri, ...given }) =>
  WithServices.onExisting(given, () =>
    Effect.gen(function* () {
      const store = yield* ResourceStore
      const resource = Resource.find(yield* store.list, uri)
      if (resource === undefined || !(yield* store.remove(resource.uri))) {
        return yield* impossible(
          `there is no resource ${Output.printable(uri)} that was made by latchkey resource create`
        )
      }
      yield* Output.print(`The resource ${resource.name ?? resource.uri} is deleted: no more tokens are issued for it`)
    })
  )
).pipe(Command.withDescription("Deletes a resource. A running server forgets it within a second."))
