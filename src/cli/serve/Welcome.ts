/** What a server says when it is there: written for whoever sees it for the first time. */
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import * as Database from "../settings/Database.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import * as Program from "../terminal/Program.js"
import { version } from "../terminal/Version.js"
import { FirstAccountLink } from "./FirstAccountLink.js"

/** What there is to say. */
export interface Welcome {
  readonly place: ServerOptions.Place
  /** Whether the master key lies in a file beside the database. */
  readonly keyInFile: boolean
  readonly firstAccount: FirstAccountLink
  /** The URL of the demo's MCP server, where it runs. */
  readonly demo: string | undefined
  /** All that it guards, the demo included. */
  readonly guarded: ReadonlyArray<Resource.Resource>
  readonly hasApi: boolean
}

/** Paragraphs, and what is to be copied, set in. */
export const text = ({ demo, firstAccount, guarded, hasApi, keyInFile, place }: Welcome): string =>
  [
    ...where(place),
    ...kept(place, keyInFile),
    ...account(firstAccount, place),
    ...(guarded.length === 0 ? nothingGuarded(place) : guards(guarded.filter(({ uri }) => uri !== demo))),
    ...(demo === undefined ? [] : tryIt(demo)),
    ...(hasApi ? [`Its account and admin API is described at ${place.issuer}/api/docs`] : []),
    "Ctrl-C stops the server."
  ].join("\n\n")

type Paragraphs = ReadonlyArray<string>

const where = ({ address, issuer }: ServerOptions.Place): Paragraphs => {
  const url = ServerOptions.urlOf(address)
  return [
    `Latchkey ${version} is running at ${issuer}`,
    ...(issuer === url ? [] : [`It listens on ${url}, where requests for ${issuer} have to arrive.`])
  ]
}

const kept = ({ database }: ServerOptions.Place, keyInFile: boolean): Paragraphs =>
  Database.Database.$match(database, {
    Memory: () => ["Everything is kept in memory, and is lost when the server stops."],
    Postgres: () => [`Everything is kept in ${Database.format(database)}.`],
    Sqlite: ({ filename }) => [
      keyInFile
        ? `Everything is kept in ${filename}, and the key to it in ${filename}.key.\nBack up both, apart from each other.`
        : `Everything is kept in ${filename}.`
    ]
  })

const account = (firstAccount: FirstAccountLink, place: ServerOptions.Place): Paragraphs => {
  const makeOne = ["or run this in another terminal:", `  ${Program.line("user create NAME", place)}`]
  const orByCommand = Database.Database.$match(place.database, {
    Memory: () => [],
    Postgres: () => makeOne,
    Sqlite: () => makeOne
  })
  const first = "Nobody can log in yet. To make the first account, open"
  return FirstAccountLink.$match(firstAccount, {
    Void: () => [],
    Shown: ({ link }) => [`${first} this link, which works once:`, `  ${link}`, ...orByCommand],
    InFile: ({ path }) => [
      `${first} the link in this file, which works once:`,
      `  ${path}`,
      "This command shows it:",
      `  ${Program.toShow(path)}`,
      ...orByCommand
    ]
  })
}

/** What the operator made; of the demo there is more to say. */
const guards = (resources: ReadonlyArray<Resource.Resource>): Paragraphs =>
  resources.length === 0
    ? []
    : ["It guards", resources.map((resource) => `  ${resource.uri}  (${scopeOf(resource)})`).join("\n")]

const scopeOf = (resource: Resource.Resource): string => Scope.format(Resource.scope(resource))

const nothingGuarded = (place: ServerOptions.Place): Paragraphs => {
  const nothing = "It guards nothing yet: clients can register and people can log in, but there is nothing to ask for."
  const sayWhat = [
    `${nothing}\nSay what it guards, in another terminal, or start it with --demo to see it work:`,
    `  ${Program.line('resource create URI --scope "notes:read=Read your notes"', place)}`
  ]
  return Database.Database.$match(place.database, {
    Memory: () => [
      `${nothing}\nCompose it into your own app, as the README shows, or start it with --demo to see it work.`
    ],
    Postgres: () => sayWhat,
    Sqlite: () => sayWhat
  })
}

const tryIt = (url: string): Paragraphs => [
  "The demo is an MCP server that keeps notes for people who log in and consent. It is at",
  `  ${url}`,
  "Give that address to an MCP client, for example by one of these:",
  [
    `  claude mcp add --transport http latchkey-demo ${url}`,
    "  npx @modelcontextprotocol/inspector    (and there: Streamable HTTP, and the address)"
  ].join("\n"),
  "The client opens a browser, in which you log in and decide what it may do."
]
