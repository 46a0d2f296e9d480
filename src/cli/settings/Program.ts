/** Prints command lines that the operator can copy. */
import * as Path from "node:path"
import * as ShellWord from "../../layers/files/ShellWord.js"
import * as Database from "./Database.js"
import * as Target from "./Target.js"

/** Returns the words that start this program: `latchkey`, or `node` and the path of its file. */
const name = (): string => {
  const script = process.argv[1] ?? "latchkey"
  if (Path.basename(script) === "latchkey") return "latchkey"
  const relative = Path.relative(process.cwd(), script)
  return `node ${ShellWord.quote(relative.startsWith("..") ? script : relative)}`
}

/** Returns the command line that prints a file. */
export const toShow = (path: string): string =>
  process.platform === "win32" ? `type "${path}"` : `cat ${ShellWord.quote(path)}`

/** Whether a command needs no `--database`: for the default, and for a URL with a password, which must not be printed. */
const isImplied = (database: Database.Database): boolean =>
  Database.format(database) === Database.format(Database.standard) || Database.holdsPassword(database)

/** Returns the line that runs a command on the same database and for the same issuer. */
export const line = (command: string, { database, issuer }: Pick<Target.Target, "database" | "issuer">): string =>
  [
    name(),
    command,
    ...(issuer === Target.standardIssuer ? [] : [`--issuer ${ShellWord.quote(issuer)}`]),
    ...(isImplied(database) ? [] : [`--database ${ShellWord.quote(Database.format(database))}`])
  ].join(" ")
