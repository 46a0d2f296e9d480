/** The text that a server prints when it has started, for an operator who sees it for the first time. */
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import * as Database from "../settings/Database.js"
import * as Program from "../settings/Program.js"
import * as Target from "../settings/Target.js"
import { version } from "../terminal/Version.js"
import { FirstAccountLink } from "./FirstAccountLink.js"

/** Facts about a server that has started. */
export interface Welcome {
  readonly target: Target.Target
  /** Whether the master key is in a file next to the database. */
  readonly isKeyInFile: boolean
  readonly firstAccount: FirstAccountLink
  /** The URL of the demo's MCP server, if it runs. */
  readonly demo: string | undefined
  /** All protected resources, the demo included. */
  readonly resources: ReadonlyArray<Resource.Resource>
  readonly hasApi: boolean
}

/** Returns paragraphs, with indented lines to copy. */
export const text = ({ demo, firstAccount, hasApi, isKeyInFile, resources, target }: Welcome): string =>
  [
    ...address(target),
    ...storage(target, isKeyInFile),
    ...account(firstAccount, target),
    ...(resources.length === 0 ? noResource(target) : resourceList(resources.filter(({ uri }) => uri !== demo))),
    ...(demo === undefined ? [] : tryDemo(demo)),
    ...(hasApi ? [`The account and admin API is documented at ${target.issuer}/api/docs`] : []),
    "Press Ctrl-C to stop the server."
  ].join("\n\n")

type Paragraphs = ReadonlyArray<string>

const address = ({ address, issuer }: Target.Target): Paragraphs => {
  const url = Target.urlOf(address)
  return [
    `Latchkey ${version} is running at ${issuer}`,
    ...(issuer === url ? [] : [`It listens on ${url}. Your proxy must forward requests for ${issuer} to this address.`])
  ]
}

const storage = ({ database }: Target.Target, isKeyInFile: boolean): Paragraphs =>
  Database.Database.$match(database, {
    Memory: () => ["Everything is stored in memory and is lost when the server stops."],
    Postgres: () => [`The database is ${Database.format(database)}.`],
    Sqlite: ({ filename }) => [
      isKeyInFile
        ? `The database is ${filename}, and its master key is ${filename}.key.\nBack up both, in different places.`
        : `The database is ${filename}.`
    ]
  })

const account = (firstAccount: FirstAccountLink, target: Target.Target): Paragraphs => {
  const byCommand = ["or run this in another terminal:", `  ${Program.line("user create NAME", target)}`]
  const orByCommand = Database.Database.$match(target.database, {
    Memory: () => [],
    Postgres: () => byCommand,
    Sqlite: () => byCommand
  })
  const first = "There is no account yet. To create the first one, open"
  return FirstAccountLink.$match(firstAccount, {
    Void: () => [],
    Shown: ({ link }) => [`${first} this link, which works once:`, `  ${link}`, ...orByCommand],
    InFile: ({ path }) => [
      `${first} the link in this file, which works once:`,
      `  ${path}`,
      "This command prints it:",
      `  ${Program.toShow(path)}`,
      ...orByCommand
    ]
  })
}

/** The resources other than the demo, which has its own paragraphs. */
const resourceList = (resources: ReadonlyArray<Resource.Resource>): Paragraphs =>
  resources.length === 0
    ? []
    : ["It protects", resources.map((resource) => `  ${resource.uri}  (${scopeOf(resource)})`).join("\n")]

const scopeOf = (resource: Resource.Resource): string => Scope.format(Resource.scope(resource))

const noResource = (target: Target.Target): Paragraphs => {
  const nothing =
    "It protects no resource yet: clients can register and users can log in, but no client can get a scope."
  const byCommand = [
    `${nothing}\nAdd a resource in another terminal, or restart with --demo to try the server:`,
    `  ${Program.line('resource create URI --scope "notes:read=Read your notes"', target)}`
  ]
  return Database.Database.$match(target.database, {
    Memory: () => [
      `${nothing}\nCompose Latchkey into your own app, as the README shows, or restart with --demo to try the server.`
    ],
    Postgres: () => byCommand,
    Sqlite: () => byCommand
  })
}

const tryDemo = (url: string): Paragraphs => [
  "The demo is an MCP server that stores notes for users who log in and consent. Its address is",
  `  ${url}`,
  "Give this address to an MCP client, for example:",
  [
    `  claude mcp add --transport http latchkey-demo ${url}`,
    "  npx @modelcontextprotocol/inspector    (choose Streamable HTTP, and enter the address)"
  ].join("\n"),
  "The client opens a browser, in which you log in and decide what it may do."
]
