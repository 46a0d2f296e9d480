/** What a server says when it is there: written for whoever sees it for the first time. */
import * as Resource from "../domain/Resource.js"
import * as Scope from "../domain/Scope.js"
import { Database } from "./Database.js"
import { FirstAccountLink } from "./FirstAccountLink.js"
import * as Program from "./Program.js"
import * as ServerOptions from "./ServerOptions.js"
import { version } from "./Version.js"

/** What there is to say. */
export interface Welcome {
  readonly place: ServerOptions.Place
  readonly firstAccount: FirstAccountLink
  /** The URL of the demo's MCP server, where it runs. */
  readonly demo: string | undefined
  /** All that it guards, the demo included. */
  readonly guarded: ReadonlyArray<Resource.Resource>
}

/** Paragraphs, the details of each set in. */
export const text = ({ demo, firstAccount, guarded, place }: Welcome): string =>
  [
    where(place),
    kept(place),
    account(firstAccount, place),
    guarded.length === 0 ? nothingGuarded(place) : guards(guarded.filter(({ uri }) => uri !== demo)),
    demo === undefined ? "" : tryIt(demo)
  ]
    .filter((paragraph) => paragraph !== "")
    .concat("Ctrl-C stops the server.")
    .join("\n\n")

const where = ({ address, issuer }: ServerOptions.Place): string => {
  const url = ServerOptions.urlOf(address)
  const line = `Latchkey ${version} is running at ${issuer}`
  return issuer === url ? line : `${line}\nIt listens on ${url}, and expects requests for ${issuer} to arrive there.`
}

const kept = ({ database }: ServerOptions.Place): string =>
  Database.$match(database, {
    Memory: () => "Everything is kept in memory, and is lost when the server stops.",
    Sqlite: ({ filename }) =>
      `Everything is kept in ${filename}, and the key to it in ${filename}.key: back up both, apart from each other.`
  })

const account = (firstAccount: FirstAccountLink, place: ServerOptions.Place): string => {
  const orByCommand = Database.$match(place.database, {
    Memory: () => [],
    Sqlite: () => ["", "or run, in another terminal:", "", `  ${Program.line("user create NAME", place)}`]
  })
  return FirstAccountLink.$match(firstAccount, {
    Void: () => "",
    Shown: ({ link }) =>
      ["Nobody can log in yet. To make the first account, open this link, which works once:", "", `  ${link}`]
        .concat(orByCommand)
        .join("\n"),
    InFile: ({ path }) =>
      [
        "Nobody can log in yet. To make the first account, open the link in this file, which works once:",
        "",
        `  ${path}`
      ]
        .concat(orByCommand)
        .join("\n")
  })
}

/** What the operator made; of the demo there is more to say. */
const guards = (resources: ReadonlyArray<Resource.Resource>): string =>
  resources.length === 0
    ? ""
    : ["It guards", "", ...resources.map((resource) => `  ${resource.uri}  (${scopeOf(resource)})`)].join("\n")

const scopeOf = (resource: Resource.Resource): string => Scope.format(Resource.scope(resource))

const nothingGuarded = (place: ServerOptions.Place): string => {
  const nothing = "It guards nothing yet: clients can register and people can log in, but there is nothing to ask for."
  return Database.$match(place.database, {
    Memory: () =>
      `${nothing}\nCompose it into your own app, as the README shows, or start it with --demo to see it work.`,
    Sqlite: () =>
      [
        nothing,
        "Say what it guards, in another terminal, or start it with --demo to see it work:",
        "",
        `  ${Program.line('resource create URI --scope "notes:read=Read your notes"', place)}`
      ].join("\n")
  })
}

const tryIt = (url: string): string =>
  [
    "The demo is an MCP server that keeps notes, and that asks for an account and consent, at",
    "",
    `  ${url}`,
    "",
    "Try it with an MCP client, for example one of:",
    "",
    `  claude mcp add --transport http latchkey-demo ${url}`,
    `  npx @modelcontextprotocol/inspector --transport http --server-url ${url}`
  ].join("\n")
