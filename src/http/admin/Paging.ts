/** The parameters and the members by which an endpoint returns a long list page by page. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Paging from "../../services/stores/Paging.js"

/** Maximum number of rows of one page. */
export const Limit = Schema.optionalWith(
  // Only digits: a number would also be read from "0x10" and "1e2".
  Schema.compose(Schema.String.pipe(Schema.pattern(/^[0-9]{1,3}$/)), Schema.NumberFromString)
    .pipe(Schema.between(1, 500))
    .annotations({ description: "Maximum number of rows, 1 to 500; 100 if not given." }),
  { default: () => 100 }
)

/** The member of a page that names the start of the next page. */
export const Next = Schema.optional(
  Schema.String.annotations({ description: "The `after` of the next page, if there may be one." })
)

/** A row of a list in the order of creation: the time of its creation, and its id. */
export interface Position<Id extends string> {
  readonly at: DateTime.Utc
  readonly id: Id
}

/** The parameter `after` of a list in the order of creation. Clients get it as `next`, and need not know its form. */
export const After = <Id extends string>(id: Schema.Schema<Id, string>) =>
  Schema.optional(
    Schema.transform(
      Schema.String.pipe(Schema.pattern(/^[0-9]{1,15}\../)),
      Schema.Struct({ at: Schema.DateTimeUtcFromSelf, id }),
      {
        strict: true,
        decode: (text) => {
          const dot = text.indexOf(".")
          return { at: DateTime.unsafeMake(Number(text.slice(0, dot))), id: text.slice(dot + 1) }
        },
        encode: formatPosition
      }
    ).annotations({ description: "The `next` of the page before; without it the list begins at its first row." })
  )

/** Formats the position of a row as the `after` of the next page. */
export const formatPosition = ({ at, id }: Position<string>): string => `${DateTime.toEpochMillis(at)}.${id}`

/** Returns the member `next` of a page, if there may be another page. */
export const next = <A>(rows: ReadonlyArray<A>, limit: number, idOf: (row: A) => string): { readonly next?: string } =>
  Option.match(Paging.next(rows, limit), { onNone: () => ({}), onSome: (last) => ({ next: idOf(last) }) })
