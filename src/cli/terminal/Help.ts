/**
 * The help of the commands. @effect/cli keeps the descriptions; its own rendering shows only the last word of a command,
 * wraps no line, and adds two sentences about types to each option.
 */
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Usage from "@effect/cli/Usage"
import type { Entry, Row, Section } from "./CommandTree.js"
import { columns, wrap } from "./HelpColumns.js"
import { descriptionOf, optionsOf, text } from "./HelpParts.js"

const global: Section = {
  title: "Global options",
  rows: [
    ["-h, --help", "Show help"],
    ["--version", "Print the version"],
    ["--log-level LEVEL", "Lowest level that is logged: debug, info, warning, error or none [env: LATCHKEY_LOG_LEVEL]"]
  ]
}

/** Returns the help of the last command of a path. */
export const render = (path: ReadonlyArray<Entry>): string => {
  const entry = path[path.length - 1]
  if (entry === undefined) return ""
  const { children, command, sections } = entry
  const words = path.map(({ word }) => word).join(" ")
  const isGroup = children.length > 0
  // The usage of the library begins with the last word of the command.
  const [, ...usage] = isGroup
    ? ["", "COMMAND"]
    : text(HelpDoc.getSpan(Usage.getHelp(Command.getUsage(command)))).split(" ")
  const own = isGroup ? [{ title: "Commands", rows: children.flatMap((child) => commandsOf(words, child)) }] : []
  return [
    wrap(`Usage: ${[words, ...usage].join(" ")}`, 7),
    wrap(descriptionOf(command), 0),
    ...[...own, ...(isGroup ? [] : optionsOf(command)), ...sections, global].map(
      ({ rows, title }) => `${title}:\n${columns(rows)}`
    )
  ].join("\n\n")
}

const commandsOf = (words: string, { children, command, word }: Entry): ReadonlyArray<Row> =>
  children.length > 0
    ? children.flatMap((child) => commandsOf(`${words} ${word}`, child))
    : [[`${words} ${word}`, descriptionOf(command).split(". ", 1).join()]]
