/** The tree of the commands. */
import * as Command from "@effect/cli/Command"
import type * as Prompt from "@effect/cli/Prompt"
import type { Failure } from "./Failure.js"

// biome-ignore lint/suspicious/noExplicitAny: the name and the options of the command
export type AnyCommand = Command.Command<any, Prompt.Prompt.Environment, Failure, any>

/** A word of the command line: a command, or a group of commands. */
export interface Entry {
  readonly word: string
  readonly command: AnyCommand
  /** The commands of a group. */
  readonly children: ReadonlyArray<Entry>
  /** Sections of the help in addition to the options. */
  readonly sections: ReadonlyArray<Section>
}

/** A section of the help. */
export interface Section {
  readonly title: string
  readonly rows: ReadonlyArray<Row>
}

/** A row of a section. */
export type Row = readonly [label: string, description: string]

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
