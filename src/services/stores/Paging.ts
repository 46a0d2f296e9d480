/** Pages of a list, because a list may be larger than memory. */
import * as Option from "effect/Option"

/** A part of a list: at most `limit` rows after a position. Without `after` it begins at the first row. */
export interface Page<Cursor> {
  readonly after?: Cursor | undefined
  readonly limit: number
}

/** Number of rows in one page of a list that is read as a whole. */
export const size = 500

/** The last row of a page if another page may follow: if the page has as many rows as the caller requested. */
export const next = <A>(rows: ReadonlyArray<A>, limit: number): Option.Option<A> =>
  rows.length < limit ? Option.none() : Option.fromNullable(rows.at(-1))
