/**
 * The tree of commands and their help. @effect/cli keeps the descriptions; its own rendering shows only the last word of a
 * command, wraps no line, and adds two sentences about types to each option.
 */
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import type * as Span from "@effect/cli/HelpDoc/Span"
import type * as Prompt from "@effect/cli/Prompt"
import * as Usage from "@effect/cli/Usage"
import type { Failure } from "./Failure.js"

// biome-ignore lint/suspicious/noExplicitAny: the name and the options of the command
type AnyCommand = Command.Command<any, Prompt.Prompt.Environment, Failure, any>

/** A word of the command line: a command, or a group of commands. */
export interface Entry {
  readonly word: string
  readonly command: AnyCommand
  /** The commands of a group. */
  readonly children: ReadonlyArray<Entry>
  /** Sections of the help in addition to the options. */
  readonly sections: ReadonlyArray<Section>
}

interface Section {
  readonly title: string
  readonly rows: ReadonlyArray<Row>
}

type Row = readonly [label: string, description: string]

/** A command, and sections that its help has in addition. */
export const leaf = (command: AnyCommand, ...sections: ReadonlyArray<Section>): Entry => ({
  word: Array.from(Command.getNames(command)).join(),
  command,
  children: [],
  sections
})

/** A group of commands. */
export const group = (
  word: string,
  description: string,
  children: readonly [Entry, ...ReadonlyArray<Entry>],
  ...sections: ReadonlyArray<Section>
): Entry => {
  const [first, ...others] = children
  const command = Command.make(word).pipe(
    Command.withDescription(description),
    Command.withSubcommands([first.command, ...others.map(({ command }) => command)])
  )
  return { word, command, children, sections }
}

/** Follows the words of a command line from the root of the tree. Skips options and their values. */
export const find = (root: Entry, words: ReadonlyArray<string>): ReadonlyArray<Entry> => {
  const path = [root]
  for (const word of words) {
    const next = path.at(-1)?.children.find((child) => child.word === word)
    if (next !== undefined) path.push(next)
  }
  return path
}

const config = CliConfig.make({ showBuiltIns: false })

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

/** Lists the parts of a document in order. */
const flatten = (doc: HelpDoc.HelpDoc): ReadonlyArray<HelpDoc.HelpDoc> =>
  doc._tag === "Sequence" ? [...flatten(doc.left), ...flatten(doc.right)] : [doc]

const paragraphs = (doc: HelpDoc.HelpDoc): ReadonlyArray<string> =>
  flatten(doc).flatMap((part) => (part._tag === "Paragraph" ? [text(part.value)] : []))

const descriptionOf = (command: AnyCommand): string => paragraphs(Command.getHelp(command, config))[0] ?? ""

/** The arguments and options. The first paragraph of each is about its type, the second is our description. */
const optionsOf = (command: AnyCommand): ReadonlyArray<Section> => {
  const rowsOf = (title: string): Section => ({
    title,
    rows: flatten(Command.getHelp(command, config)).flatMap((part) =>
      part._tag === "DescriptionList"
        ? part.definitions
            .map(([label, body]): Row => [text(label), paragraphs(body)[1] ?? ""])
            .filter(([label]) => label.startsWith("-") === (title === "Options"))
        : []
    )
  })
  return [rowsOf("Arguments"), rowsOf("Options")].filter(({ rows }) => rows.length > 0)
}

const text = (span: Span.Span): string => {
  switch (span._tag) {
    case "Text":
    case "URI":
      return span.value
    case "Sequence":
      return text(span.left) + text(span.right)
    default:
      return text(span.value)
  }
}

/** Maximum length of a label that has its description on the same line. */
const maxLabel = 31

/** Maximum number of characters in a line. */
const width = (): number => Math.max(40, Math.min(100, process.stdout.columns ?? 100))

const columns = (rows: ReadonlyArray<Row>): string => {
  const lengths = rows.map(([label]) => label.length).filter((length) => length <= maxLabel)
  const indent = Math.max(8, ...lengths) + 4
  return rows
    .map(([label, description]) =>
      label.length > maxLabel
        ? `  ${label}\n${wrap(" ".repeat(indent) + description, indent)}`
        : wrap(`  ${label.padEnd(indent - 2)}${description}`, indent)
    )
    .join("\n")
}

/** Breaks a text into lines, and indents all lines but the first. */
const wrap = (text: string, indent: number): string => {
  const lines: Array<string> = []
  let line = text.slice(0, indent)
  for (const word of text.slice(indent).split(" ")) {
    if (line.length + word.length > width() && line.trim() !== "") {
      lines.push(line.trimEnd())
      line = " ".repeat(indent)
    }
    line += `${word} `
  }
  return [...lines, line.trimEnd()].join("\n")
}
