/** Lays out text in lines and columns, as wide as the terminal. */
import type { Row } from "./CommandTree.js"

/** Maximum length of a label that has its description on the same line. */
const maxLabel = 31

/** Maximum number of characters in a line. */
const width = (): number => Math.max(40, Math.min(100, process.stdout.columns ?? 100))

/** Formats labels and descriptions, one pair a row. */
export const columns = (rows: ReadonlyArray<Row>): string => {
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
export const wrap = (text: string, indent: number): string => {
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
