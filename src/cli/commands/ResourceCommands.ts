/** `latchkey resource`: protected resources, in addition to those that an app composes into its server. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Issuer } from "../../domain/Issuer.js"
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import * as ScopeHierarchy from "../../domain/ScopeHierarchy.js"
import * as ResourceView from "../../http/views/ResourceView.js"
import { ResourceRegistration } from "../../services/resources/ResourceRegistration.js"
import { ResourceStore, type StoredResource } from "../../services/stores/ResourceStore.js"
import * as Database from "../settings/Database.js"
import * as Target from "../settings/Target.js"
import { badUsage, impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import { flag, json, parsed, text } from "./CommandOptions.js"
import * as Listing from "./Listing.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

const uri = Args.text({ name: "URI" }).pipe(
  Args.withDescription("URL of the resource, as its clients know it, such as https://notes.example.com/mcp")
)

const parseName = (text: string) => Lookup.sentence(text, "--name")

const options = {
  uri,
  name: parsed("name", "NAME", "Name that users see on the consent page (default: the URL)", parseName),
  scopes: text(
    "scope",
    "SCOPE=SENTENCE",
    'Scope that clients request, and the sentence that users read on the consent page, such as "notes:read=Read your notes"; repeatable'
  ).pipe(Options.repeated),
  implies: text(
    "implies",
    "SCOPE=SCOPES",
    'Scope that implies others of the resource, such as "notes:write=notes:read": who allows it allows them, too; repeatable'
  ).pipe(Options.repeated),
  introspects: flag(
    "introspects",
    "The resource introspects tokens at this server (RFC 7662), and gets a secret for it"
  ),
  json,
  ...Target.forCommand
}

const parseUri = (text: string) => Lookup.resourceIndicator(text, "URI")

/** Parses `notes:read=Read your notes`. A scope with an equals sign cannot be written like this. */
const parseScope = (text: string) => {
  const [token = ""] = text.split("=", 1)
  const sentence = text.slice(token.length + 1).trim()
  return Schema.is(Scope.ScopeToken)(token) && Lookup.isSentence(sentence)
    ? Effect.succeed([token, sentence] as const)
    : badUsage('--scope: give a scope and a sentence, such as "notes:read=Read your notes"')
}

const parseScopes = (texts: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const scopes = yield* Effect.forEach(texts, parseScope)
    if (scopes.length === 0) {
      return yield* badUsage('a resource needs a scope: give --scope, such as "notes:read=Read your notes"')
    }
    const tokens = scopes.map(([token]) => token)
    const twice = tokens.find((token, index) => tokens.indexOf(token) !== index)
    return twice === undefined ? Object.fromEntries(scopes) : yield* badUsage(`--scope: "${twice}" is given twice`)
  })

/** Parses `notes:write=notes:read`; several implied scopes have spaces between them. */
const parseImplication = (text: string) => {
  const [token = ""] = text.split("=", 1)
  const implied = text
    .slice(token.length + 1)
    .trim()
    .split(/ +/)
  return [token, ...implied].every(Schema.is(Scope.ScopeToken))
    ? Effect.succeed([token, implied] as const)
    : badUsage('--implies: give a scope and those that it implies, such as "notes:write=notes:read"')
}

const parseImplications = (texts: ReadonlyArray<string>) =>
  Effect.map(Effect.forEach(texts, parseImplication), (pairs) =>
    Object.fromEntries(
      pairs.map(([token]) => [token, pairs.flatMap(([other, implied]) => (other === token ? implied : []))])
    )
  )

const describe = (resource: StoredResource, secret: Option.Option<Redacted.Redacted>, target: Target.Target) => {
  const scopes = Output.table(
    Object.entries(resource.scopes).map(([token, sentence]) => {
      const implied = ScopeHierarchy.impliedBy(Resource.hierarchy(resource), token)
      return [token, Scope.isEmpty(implied) ? sentence : `${sentence} (implies ${Scope.format(implied)})`]
    })
  )
  const where = `${target.issuer} (${Database.format(target.database)})`
  return [
    `The resource ${resource.name ?? resource.uri} is created at ${where}`,
    scopes,
    ...Option.match(Option.all({ credentials: resource.credentials, secret }), {
      onNone: () => [],
      onSome: ({ credentials, secret }) => [introspection(target.issuer, credentials.id, secret)]
    })
  ].join("\n\n")
}

const introspection = (issuer: Issuer, id: Resource.ResourceServerId, secret: Redacted.Redacted) =>
  [
    `It introspects tokens at ${issuer}/introspect with HTTP Basic as`,
    "",
    Output.table([
      ["id", id],
      ["secret", `${Redacted.value(secret)}  (shown only once)`]
    ])
  ].join("\n")

export const create = Command.make("create", options, ({ implies, introspects, json, name, scopes, uri, ...flags }) =>
  Effect.gen(function* () {
    const target = yield* Target.load(flags)
    const indicator = yield* parseUri(uri)
    const offered = yield* parseScopes(scopes)
    const implications = yield* parseImplications(implies)
    yield* Effect.gen(function* () {
      const { resource, secret } = yield* (yield* ResourceRegistration).register({
        uri: indicator,
        ...Record.getSomes({ name }),
        scopes: offered,
        implies: implications,
        introspects
      })
      yield* Output.result(json, ResourceView.fromResource(resource, secret), describe(resource, secret, target))
    }).pipe(
      Effect.catchTags({
        UriTaken: () => impossible(`there is a resource ${indicator} already`),
        ScopeTaken: ({ by, token }) =>
          impossible(`the scope "${token}" belongs to ${by}, which is built into the server: choose another name`),
        InvalidImplication: ({ message }) => badUsage(`--implies: ${message}`)
      }),
      WithServices.provide(target)
    )
  })
).pipe(
  Command.withDescription(
    "Create a protected resource: an API or MCP server that accepts tokens of this server. A running server knows it within a second"
  )
)

export const list = WithServices.command(
  "list",
  "List the resources of latchkey resource create. The resources that an app composes into its server are not listed",
  { json },
  ({ json }, { issuer }) =>
    Effect.flatMap(ResourceStore, ({ list }) =>
      Listing.print(json, Stream.fromIterableEffect(list), {
        toObject: (resource) => ResourceView.fromResource(resource),
        toLine: (resource) =>
          [
            resource.uri,
            Scope.format(Resource.scope(resource)),
            ...(Option.isSome(resource.credentials) ? ["introspects"] : []),
            ...(resource.name === undefined ? [] : [Output.printable(resource.name)])
          ].join("  "),
        empty: `there is no resource yet at ${issuer}`
      })
    )
)

export const remove = WithServices.command(
  "delete",
  "Delete a resource. A running server knows it within a second",
  { uri },
  ({ uri }) =>
    Effect.gen(function* () {
      const store = yield* ResourceStore
      const resource = Resource.find(yield* store.list, uri)
      if (resource === undefined || !(yield* store.remove(resource.uri))) {
        return yield* impossible(`there is no resource ${Output.printable(uri)} of latchkey resource create`)
      }
      yield* Output.print(
        `The resource ${resource.name ?? resource.uri} is deleted: no tokens are issued for it any more`
      )
    })
)
