/** How this program was called, to tell people how to call it again. */
import * as Path from "node:path"
import * as ShellWord from "../../layers/files/ShellWord.js"
import * as Database from "../settings/Database.js"
import type { Place } from "../settings/ServerOptions.js"
import * as ServerOptions from "../settings/ServerOptions.js"

/** The words in front of a command: `latchkey`, or what ran the file of this name. */
const name = (): string => {
  const script = process.argv[1] ?? "latchkey"
  if (Path.basename(script) === "latchkey") return "latchkey"
  const relative = Path.relative(process.cwd(), script)
  return `node ${ShellWord.quote(relative.startsWith("..") ? script : relative)}`
}

/** The line that prints a file. */
export const toShow = (path: string): string =>
  process.platform === "win32" ? `type "${path}"` : `cat ${ShellWord.quote(path)}`

/** Whether a command finds the database by itself: as the standard one, or, since it is not to be told, by the variable. */
const isUnderstood = (database: Database.Database): boolean =>
  Database.format(database) === Database.format(Database.standard) || Database.holdsPassword(database)

/** The line that runs a command on the same database and for the same issuer as this one. */
export const line = (command: string, { database, issuer }: Place): string =>
  [
    name(),
    command,
    ...(issuer === ServerOptions.urlOf(ServerOptions.defaultAddress) ? [] : [`--issuer ${ShellWord.quote(issuer)}`]),
    ...(isUnderstood(database) ? [] : [`--database ${ShellWord.quote(Database.format(database))}`])
  ].join(" ")
