/** Prints a list: reads and prints a page at a time, so that it needs little memory for a million rows. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Output from "../terminal/Output.js"

interface Format<A> {
  readonly toObject: (row: A) => unknown
  readonly toLine: (row: A) => string
  /** The message on standard error when the list is empty. */
  readonly empty: string
}

/** Prints a text, and waits until it is written. */
const write = (text: string) => Effect.zipRight(Output.print(text), Output.written)

/** Prints the array as `Output.toJson` does, page by page. A comma or a bracket follows a page, so it waits for the next one. */
const writeArray = <A, E, R>(pages: Stream.Stream<ReadonlyArray<A>, E, R>, { toObject }: Format<A>) => {
  const toText = (row: A) => Output.toJson(toObject(row)).replace(/^/gm, "  ")
  return pages.pipe(
    Stream.runFoldEffect("", (held, page) =>
      Effect.as(write(held === "" ? "[" : `${held},`), page.map(toText).join(",\n"))
    ),
    Effect.flatMap((held) => write(held === "" ? "[]" : `${held}\n]`))
  )
}

const writeLines = <A, E, R>(pages: Stream.Stream<ReadonlyArray<A>, E, R>, { empty, toLine }: Format<A>) =>
  pages.pipe(
    Stream.runFoldEffect(false, (_, page) => Effect.as(write(page.map(toLine).join("\n")), true)),
    Effect.flatMap((isAny) => (isAny ? Effect.void : Output.complain(empty)))
  )

/** Prints rows as JSON or as lines. Stops when the reader of the output closes it. */
export const print = <A, E, R>(json: boolean, rows: Stream.Stream<A, E, R>, format: Format<A>) => {
  const pages = Stream.chunks(rows).pipe(
    Stream.filter((page) => page.length > 0),
    Stream.map((page) => Array.from(page))
  )
  return Effect.raceFirst(json ? writeArray(pages, format) : writeLines(pages, format), Output.closed)
}
