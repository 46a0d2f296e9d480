import * as Schema from "effect/Schema"

/** The fields of an error that a request ends with: `reason` is one of a closed set, for the operator. */
export const fields = <const Reasons extends ReadonlyArray<string>>(...reasons: Reasons) => ({
  reason: Schema.Literal(...reasons),
  description: Schema.String
})
