/** The output of the commands: results on standard output, the rest on standard error, one line for an error. Plain text. */
import * as Fs from "node:fs"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { type Failure, impossible } from "./Failure.js"

/** Writes a text and a line break to standard output. */
export const print = (text: string): Effect.Effect<void> => Console.log(text)

/** Writes one line, an error or a hint, to standard error. */
export const complain = (text: string): Effect.Effect<void> => Console.error(text)

/** Returns a character as JSON escapes: two if UTF-16 encodes it with two units. */
const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
    .join("")

/** Escapes characters that are not printable, because text of clients could control the terminal. */
export const printable = (text: string): string => text.replace(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, escaped)

/** JSON that does nothing to a terminal. */
export const toJson = (value: unknown): string => printable(JSON.stringify(value, null, 2))

/** The same on one line, for values that are printed as they come. */
export const toJsonLine = (value: unknown): string => printable(JSON.stringify(value))

/** Prints the result of a command as JSON or as text. */
export const result = (json: boolean, object: unknown, text: string): Effect.Effect<void> =>
  print(json ? toJson(object) : text)

/** Formats an instant: `2026-06-01 10:00:00Z`. */
export const instant = (time: DateTime.Utc): string => DateTime.formatIso(time).replace("T", " ").replace(/\.\d+/, "")

/** Formats a number: `10,000`. */
export const number = (value: number): string => value.toLocaleString("en-US")

/** Formats names and values, one pair a line, indented. */
export const table = (rows: ReadonlyArray<readonly [name: string, value: string]>): string => {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  return rows.map(([name, value]) => `  ${name.padEnd(width)}${value}`).join("\n")
}

/** Ends when the reader closes standard output: `latchkey events --follow | head -1`. */
export const closed: Effect.Effect<void> = Effect.async((resume) => {
  const end = () => resume(Effect.void)
  process.stdout.once("error", end)
  return Effect.sync(() => process.stdout.off("error", end))
})

/**
 * Waits until the printed text is written, so that it does not fill the memory if the reader is slow. Node reports the error
 * of a closed reader in the next turn of the event loop.
 */
export const written: Effect.Effect<void> = Effect.async((resume) => {
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

/** Whether standard output is a terminal. */
export const isTerminal = (): boolean => process.stdout.isTTY === true

/** Whether standard error is a terminal, on which a line can be replaced. */
export const canRewrite = (): boolean => process.stderr.isTTY === true

/** Replaces the last line of the terminal, which has no line break. An empty text clears the line. */
export const rewrite = (text: string): Effect.Effect<void> =>
  Effect.sync(() => process.stderr.write(`\r\u001b[K${text}`))

/** Whether there is a terminal for questions. */
export const canAsk = (): boolean => process.stdin.isTTY === true && isTerminal()

/** The styles of the text of @effect/cli. */
const styles = /\u001b\[[0-9;]*m/g

const plain = (parts: ReadonlyArray<unknown>): string =>
  parts
    .join(" ")
    .replace(styles, "")
    .trimEnd()
    .replace(/^\s*\n/, "")

/** @effect/cli reports an option that is given twice or lacks its value as an unknown argument, too. */
const withHint = (text: string): string =>
  text.startsWith("Received unknown argument: '-")
    ? `${text} (unknown option, option given twice, or value missing; see --help)`
    : text

const oneLine = (text: string): string => {
  const lines = withHint(text).split("\n")
  return `latchkey: ${lines.map((line) => line.trim()).join("; ")}\n`
}

/** Whether standard output is a file. Node reports no error if the disk has room for only a part of a write to a file. */
const isFile = (): boolean => {
  try {
    return Fs.fstatSync(process.stdout.fd).isFile()
  } catch {
    return false
  }
}

/** Writes a whole text to a file, or throws. */
const writeWhole = (file: number, text: string): void => {
  let rest = Buffer.from(text)
  while (rest.length > 0) rest = rest.subarray(Fs.writeSync(file, rest))
}

/** Node reports the error of a write in the turn of the event loop after the write. */
const nextTurn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

/**
 * Runs a command with this output. A reader may close it early, as in `latchkey client list | head -1` (EPIPE). After any
 * other error of standard output, such as a full disk, the command fails with one line on standard error: a new secret is
 * printed only once.
 */
export const provide = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | Failure, R> =>
  Effect.consoleWith((console) => {
    let isIncomplete = false
    const onError = (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE" || isIncomplete) return
      isIncomplete = true
      process.stderr.write(
        oneLine(
          `standard output cannot be written (${error.code}): the command was carried out, but its output is incomplete`
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
