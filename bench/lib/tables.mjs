/** Markdown of numbers and tables. */

/** @param {ReadonlyArray<string>} header @param {ReadonlyArray<ReadonlyArray<string>>} rows */
export const table = (header, rows) => {
  const line = (/** @type {ReadonlyArray<string>} */ cells) => `| ${cells.join(" | ")} |`
  return [line(header), `|${header.map((_, i) => (i === 0 ? "---|" : "---:|")).join("")}`, ...rows.map(line)].join("\n")
}

/** @param {number} value */
export const number = (value) => {
  if (!Number.isFinite(value)) return "–"
  const digits = Math.abs(value) < 10 ? 1 : 0
  return value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits })
}

/** @param {number} ratio */
const percent = (ratio) => String(Math.round(ratio * 100))

/** Median and range, such as "62 % (58–66)". @param {import("./statistics.mjs").Summary} summary */
export const shareText = ({ high, low, median }) => `${percent(median)} % (${percent(low)}–${percent(high)})`

/** Text for a cell of a table: one line without bars. @param {string} text */
export const oneLine = (text) => text.replace(/\s+/g, " ").replaceAll("|", "/").slice(0, 160)
