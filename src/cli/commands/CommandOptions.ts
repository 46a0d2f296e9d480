/** Options that several commands have, and the constructors of the others. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Failure } from "../terminal/Failure.js"

/** An option without a value. */
export const flag = (name: string, description: string): Options.Options<boolean> =>
  Options.boolean(name).pipe(Options.withDescription(description))

/** An option with a text, which must be given. */
export const text = (name: string, placeholder: string, description: string): Options.Options<string> =>
  Options.text(name).pipe(Options.withPseudoName(placeholder), Options.withDescription(description))

/** An option with a text, which may be absent. */
export const optional = (
  name: string,
  placeholder: string,
  description: string
): Options.Options<Option.Option<string>> => Options.optional(text(name, placeholder, description))

/** An option with a text that is parsed before the command runs. It may be absent. */
export const parsed = <A>(
  name: string,
  placeholder: string,
  description: string,
  parse: (text: string) => Effect.Effect<A, Failure>
): Options.Options<Option.Option<A>> =>
  text(name, placeholder, description).pipe(
    Options.mapEffect((value) =>
      Effect.mapError(parse(value), ({ message }) => ValidationError.invalidValue(HelpDoc.p(message)))
    ),
    Options.optional
  )

export const json = flag("json", "Print JSON")
