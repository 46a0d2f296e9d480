/** Promises about standard error: JSON lines only, none of level ERROR or FATAL, no trace of a fault that nobody caught. */
import type { Broken } from "./Oracles.js"

const levelOf = (line: string): string | undefined => {
  try {
    const entry: unknown = JSON.parse(line)
    return typeof entry === "object" && entry !== null && "logLevel" in entry ? String(entry.logLevel) : undefined
  } catch {
    return undefined
  }
}

/** Why a line should not be there; `undefined` when it may. */
const objection = (line: string): string | undefined => {
  const level = levelOf(line)
  if (level === undefined) return "a line that is no log entry"
  if (level === "ERROR" || level === "FATAL") return `an entry of level ${level}`
  return /unhandled ?rejection|uncaught ?exception|\\n\s+at /i.test(line)
    ? "an entry with a fault that nobody caught"
    : undefined
}

/** The promises that what a server wrote to standard error breaks; each kind of line once. */
export const check = (stderr: string): ReadonlyArray<Broken> => {
  const found = new Map<string, Broken>()
  for (const line of stderr.split("\n")) {
    if (line.trim() === "") continue
    const why = objection(line)
    if (why !== undefined && !found.has(why))
      found.set(why, { oracle: "log", detail: `${why}: ${line.slice(0, 1_000)}` })
  }
  return [...found.values()]
}
