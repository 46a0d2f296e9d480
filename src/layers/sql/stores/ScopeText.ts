/** A scope in a row: tokens separated by spaces. */
import * as Schema from "effect/Schema"
import * as Scope from "../../../domain/Scope.js"

/** Returns the scope. It may have more tokens than one request may name, because granted scopes are added up. */
export const parse = (text: string): Scope.Scope => (text === "" ? Scope.empty : new Set(text.split(" ")))

export const ScopeText = Schema.transform(Schema.String, Schema.ReadonlySetFromSelf(Schema.String), {
  strict: true,
  decode: parse,
  encode: Scope.format
})
