/**
 * `--help`, out of what @effect/cli knows of a command. Its own rendering names only the last word of a command, and says
 * of each option what kind of text it is.
 */
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import type * as Span from "@effect/cli/HelpDoc/Span"
import * as Usage from "@effect/cli/Usage"

/** A command by its full name, and those under it. */
export interface Entry {
  readonly path: ReadonlyArray<string>
  // biome-ignore lint/suspicious/noExplicitAny: whatever the command takes and needs
  readonly command: Command.Command<any, any, any, any>
  readonly children: ReadonlyArray<Entry>
  /** What else its help says. */
  readonly more?: HelpDoc.HelpDoc
}

const width = 100

const config = CliConfig.make({ showBuiltIns: false })

/** What @effect/cli says of every option, though it helps nobody or stands in the usage already. */
const noise = /^(A user-defined piece of text|A true or false value|This setting is|This option |One of the following)/

const everywhere: ReadonlyArray<Row> = [
  ["-h, --help", "Says how the command before it is used."],
  ["--version", "Says which version this is."],
  ["--log-level LEVEL", "How much is logged: debug, info, warning, error or none. Or LATCHKEY_LOG_LEVEL."]
]

type Row = readonly [label: string, text: string]

/** The entry that the words of a command line lead to; those that are no commands are passed over. */
export const find = (root: Entry, words: ReadonlyArray<string>): Entry =>
  words.reduce((entry, word) => entry.children.find(({ path }) => path.at(-1) === word) ?? entry, root)

/** The help of a command. */
export const render = ({ children, command, more = HelpDoc.empty, path }: Entry): string => {
  const leaf = children.length === 0
  const usage = leaf
    ? text(HelpDoc.getSpan(Usage.getHelp(Command.getUsage(command))))
        .split(" ")
        .slice(1)
    : ["COMMAND"]
  const sections = blocks(Command.getHelp(command, config))
  return [
    wrap(`Usage: ${[...path, ...usage].join(" ")}`, 7),
    ...(leaf ? sections : [...sections.slice(0, 1), `Commands:\n${columns(children.flatMap(commandsOf))}`]),
    ...blocks(more),
    `Everywhere:\n${columns(everywhere)}`
  ].join("\n\n")
}

const commandsOf = ({ children, command, path }: Entry): ReadonlyArray<Row> =>
  children.length > 0
    ? children.flatMap(commandsOf)
    : [[path.join(" "), blocks(Command.getHelp(command, config))[0]?.replaceAll("\n", " ") ?? ""]]

/** The parts of a document in their order, without what holds them together. */
const flatten = (doc: HelpDoc.HelpDoc): ReadonlyArray<HelpDoc.HelpDoc> => {
  switch (doc._tag) {
    case "Empty":
      return []
    case "Sequence":
      return [...flatten(doc.left), ...flatten(doc.right)]
    case "Enumeration":
      return doc.elements.flatMap(flatten)
    default:
      return [doc]
  }
}

/** A document as blocks of text; a heading belongs to the block that follows it, and lists that follow another to one. */
const blocks = (doc: HelpDoc.HelpDoc): ReadonlyArray<string> => {
  const found: Array<string> = []
  let heading = ""
  let rows: Array<Row> = []
  const add = (block: string) => {
    found.push(heading + block)
    heading = ""
  }
  const endList = () => {
    if (rows.length > 0) add(columns(rows))
    rows = []
  }
  for (const part of flatten(doc)) {
    if (part._tag === "DescriptionList") {
      rows.push(...part.definitions.map(([label, body]): Row => [text(label), sentences(body)]))
      continue
    }
    endList()
    if (part._tag === "Header")
      heading = text(part.value) === "DESCRIPTION" ? "" : `${capitalized(text(part.value))}:\n`
    else add(wrap(text(HelpDoc.getSpan(part)), 0))
  }
  endList()
  return found
}

const capitalized = (word: string) => word.charAt(0) + word.slice(1).toLowerCase()

/** What a definition says that is worth saying. */
const sentences = (doc: HelpDoc.HelpDoc): string =>
  blocks(doc)
    .map((block) => block.replaceAll("\n", " "))
    .filter((block) => !noise.test(block))
    .join(" ")

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

/** Labels this long have a line of their own. */
const longest = 31

/** Labels to the left of what they mean. */
const columns = (rows: ReadonlyArray<Row>): string => {
  const lengths = rows.map(([label]) => label.length).filter((length) => length <= longest)
  const indent = Math.max(8, ...lengths) + 4
  const row = ([label, meaning]: Row) =>
    label.length > longest
      ? `  ${label}\n${wrap(" ".repeat(indent) + meaning, indent)}`
      : wrap(`  ${label.padEnd(indent - 2)}${meaning}`, indent)
  return rows.map(row).join("\n")
}

/** Breaks a text into lines, all but the first of them indented. */
const wrap = (text: string, indent: number): string => {
  const lines: Array<string> = []
  let line = text.slice(0, indent)
  for (const word of text.slice(indent).split(" ")) {
    if (line.length + word.length > width && line.trim() !== "") {
      lines.push(line.trimEnd())
      line = " ".repeat(indent)
    }
    line += `${word} `
  }
  return [...lines, line.trimEnd()].join("\n")
}
