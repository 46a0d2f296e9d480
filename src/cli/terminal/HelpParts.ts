/** Reads the descriptions that @effect/cli keeps of a command and of its arguments and options. */
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import type * as HelpDoc from "@effect/cli/HelpDoc"
import type * as Span from "@effect/cli/HelpDoc/Span"
import type { AnyCommand, Row, Section } from "./CommandTree.js"

const config = CliConfig.make({ showBuiltIns: false })

/** Lists the parts of a document in order. */
const flatten = (doc: HelpDoc.HelpDoc): ReadonlyArray<HelpDoc.HelpDoc> =>
  doc._tag === "Sequence" ? [...flatten(doc.left), ...flatten(doc.right)] : [doc]

const paragraphs = (doc: HelpDoc.HelpDoc): ReadonlyArray<string> =>
  flatten(doc).flatMap((part) => (part._tag === "Paragraph" ? [text(part.value)] : []))

/** Returns the description of a command. */
export const descriptionOf = (command: AnyCommand): string => paragraphs(Command.getHelp(command, config))[0] ?? ""

/** The arguments and options. The first paragraph of each is about its type, the second is our description. */
export const optionsOf = (command: AnyCommand): ReadonlyArray<Section> => {
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

/** Returns a span without its styles. */
export const text = (span: Span.Span): string => {
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
