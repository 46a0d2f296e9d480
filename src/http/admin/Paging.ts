/** What the endpoints of the API have in common where they are described. */
import * as OpenApi from "@effect/platform/OpenApi"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Paging from "../../services/stores/Paging.js"

/** One line of what an endpoint does. */
export const summary = (text: string) => OpenApi.annotations({ summary: text })

/** How many of a long list are answered at once. */
export const Limit = Schema.optionalWith(
  // Digits only: a number would be read from "0x10" and "1e2" as well.
  Schema.compose(Schema.String.pipe(Schema.pattern(/^[0-9]{1,3}$/)), Schema.NumberFromString)
    .pipe(Schema.between(1, 500))
    .annotations({
      description: "How many at most, 1 to 500; 100 if not given."
    }),
  { default: () => 100 }
)

/** Where the next page begins. */
export const Next = Schema.optional(
  Schema.String.annotations({ description: "The `after` of the next page, where there may be one." })
)

/** The `next` of a page. */
export const next = <A>(rows: ReadonlyArray<A>, limit: number, idOf: (row: A) => string) => {
  const last = Option.getOrUndefined(Paging.next(rows, limit))
  return last === undefined ? {} : { next: idOf(last) }
}
