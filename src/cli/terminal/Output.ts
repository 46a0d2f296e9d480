/**
 * What the commands say: answers on standard output, everything else on standard error, one line a failure. Plain text,
 * wherever it goes.
 */
import * as Fs from "node:fs"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { type Failure, impossible } from "./Failure.js"

/** Writes a text and a line break to standard output. */
export const print = (text: string): Effect.Effect<void> => Console.log(text)

/** Writes one line about what went wrong, or is worth knowing, to standard error. */
export const complain = (text: string): Effect.Effect<void> => Console.error(text)

/** A character as its JSON escapes: one, or two where UTF-16 has two. */
const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
    .join("")

/** Text that does nothing to a terminal: what is not printable in strangers' words is escaped. */
export const printable = (text: string): string => text.replace(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, escaped)

/** JSON that does nothing to a terminal. */
export const toJson = (value: unknown): string => printable(JSON.stringify(value, null, 2))

/** The same on one line, for values that are printed as they come. */
export const toJsonLine = (value: unknown): string => printable(JSON.stringify(value))

/** An instant as people read it: `2026-06-01 10:00:00Z`. */
export const instant = (time: DateTime.Utc): string => DateTime.formatIso(time).replace("T", " ").replace(/\.\d+/, "")

/** A number as people read it: `10,000`. */
export const number = (value: number): string => value.toLocaleString("en-US")

/** Names and what they stand for, one a line, set in. */
export const table = (rows: ReadonlyArray<readonly [name: string, value: string]>): string => {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  return rows.map(([name, value]) => `  ${name.padEnd(width)}${value}`).join("\n")
}

/** Ends when nobody reads what is printed any more: `latchkey events --follow | head -1`. */
export const closed: Effect.Effect<void> = Effect.async((resume) => {
  const end = () => resume(Effect.void)
  process.stdout.once("error", end)
  return Effect.sync(() => process.stdout.off("error", end))
})

/**
 * Waits until what was printed is taken, so that it does not fill the memory where the reader is slow; and gives the error of
 * a reader that has gone the turn of the event loop in which it is reported.
 */
export const taken: Effect.Effect<void> = Effect.async((resume) => {
  const { stdout } = process
  if (!stdout.writableNeedDrain) {
    setImmediate(() => resume(Effect.void))
    return
  }
  const go = () => {
    for (const event of events) stdout.off(event, go)
    resume(Effect.void)
  }
  const events = ["drain", "close", "error"]
  for (const event of events) stdout.once(event, go)
})

/** Whether a person reads what is printed. */
export const isTerminal = (): boolean => process.stdout.isTTY === true

/** Whether a person reads standard error, on which a line can be written anew. */
export const canRewrite = (): boolean => process.stderr.isTTY === true

/** Writes a text in the place of the last line of the terminal, which has no line break; an empty one clears the line. */
export const rewrite = (text: string): Effect.Effect<void> =>
  Effect.sync(() => process.stderr.write(`\r\u001b[K${text}`))

/** Whether there is a person who can be asked. */
export const canAsk = (): boolean => process.stdin.isTTY === true && isTerminal()

/** The styles that @effect/cli puts around what it prints. */
const styles = /\u001b\[[0-9;]*m/g

const plain = (parts: ReadonlyArray<unknown>): string =>
  parts
    .join(" ")
    .replace(styles, "")
    .trimEnd()
    .replace(/^\s*\n/, "")

/** @effect/cli calls whatever is left over an unknown argument, an option that lacks its value too. */
const inOtherWords = (text: string): string =>
  text.replace(/^Received unknown argument: '(-?)(.*)'$/, (_, dash: string, rest: string) =>
    dash === ""
      ? `'${rest}' is not expected here (see --help)`
      : `'${dash}${rest}' is not an option here, is given twice, or lacks its value (see --help)`
  )

const oneLine = (text: string): string => {
  const lines = inOtherWords(text).split("\n")
  return `latchkey: ${lines.map((line) => line.trim()).join("; ")}\n`
}

/** Whether standard output is a file. Node takes a write to a file for done when the disk had room for a part of it only. */
const isFile = (): boolean => {
  try {
    return Fs.fstatSync(process.stdout.fd).isFile()
  } catch {
    return false
  }
}

/** Writes all of a text to a file, or throws. */
const writeWhole = (file: number, text: string): void => {
  let rest = Buffer.from(text)
  while (rest.length > 0) rest = rest.subarray(Fs.writeSync(file, rest))
}

/** Node reports the error of a write in the turn of the event loop after the write. */
const nextTurn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

/**
 * Runs a command with this output. A reader may stop before the end, as `latchkey client list | head -1` does (EPIPE). After
 * any other error of standard output, such as a full disk, one line on standard error says so, and the command fails: a new
 * secret that was printed is shown only once.
 */
export const provide = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | Failure, R> =>
  Effect.consoleWith((console) => {
    let isIncomplete = false
    const onError = (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE" || isIncomplete) return
      isIncomplete = true
      process.stderr.write(
        oneLine(
          `standard output cannot be written (${error.code}): the text that this command printed is incomplete, although the command was carried out`
        )
      )
    }
    process.stderr.on("error", () => {})
    process.stdout.on("error", onError)
    const write = isFile()
      ? (text: string) => {
          try {
            writeWhole(process.stdout.fd, text)
          } catch (error) {
            process.stdout.emit("error", error)
          }
        }
      : (text: string) => process.stdout.write(text)
    return Effect.withConsole(self, {
      ...console,
      log: (...parts) => Effect.sync(() => write(`${plain(parts)}\n`)),
      error: (...parts) => Effect.sync(() => process.stderr.write(oneLine(plain(parts))))
    }).pipe(
      Effect.zipLeft(nextTurn),
      Effect.filterOrFail(
        () => !isIncomplete,
        () => impossible("")
      )
    )
  })
