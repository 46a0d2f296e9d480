/** One setting of the operator's, which may be an option, a variable of the environment, or left alone. */
import * as Options from "@effect/cli/Options"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { badUsage, type Failure } from "./Failure.js"

/** A text that somebody gave, and where, so that a refusal can name it. */
export interface Given {
  readonly source: string
  readonly text: string
}

/** What was given for a setting, if anything was. */
export type Setting = Option.Option<Given>

/** The variable that stands for an option. */
const variableOf = (name: string): string => `LATCHKEY_${name.toUpperCase().replaceAll("-", "_")}`

const config = (variable: string): Config.Config<Given> =>
  Config.map(Config.string(variable), (text) => ({ source: variable, text }))

/** An option that wins over its variable. */
export const option = (name: string, placeholder: string, description: string): Options.Options<Setting> =>
  Options.text(name).pipe(
    Options.withPseudoName(placeholder),
    Options.withDescription(`${description} Or ${variableOf(name)}.`),
    Options.map((text) => ({ source: `--${name}`, text })),
    Options.withFallbackConfig(config(variableOf(name))),
    Options.optional
  )

/** An option that is there or not, and means `on`; its variable says `on` or `off`. */
export const flag = (name: string, description: string): Options.Options<Setting> =>
  Options.boolean(name).pipe(
    Options.withDescription(`${description} Or ${variableOf(name)}=on.`),
    Options.map((on) => (on ? Option.some({ source: `--${name}`, text: "on" }) : Option.none()))
  )

/** Reads `on` or `off`. */
export const onOrOff = ({ source, text }: Given): Effect.Effect<boolean, Failure> =>
  text === "on" || text === "off" ? Effect.succeed(text === "on") : badUsage(`${source}: give on or off`)

/** A setting that has no option, only a variable. */
export const variable = (name: string): Effect.Effect<Setting> => Effect.orDie(Config.option(config(name)))

/** The variable of an option that this command does not have. */
export const variableOfOption = (name: string): Effect.Effect<Setting> => variable(variableOf(name))

/** Reads what was given, or takes the default. */
export const read = <A, E>(
  setting: Setting,
  fallback: A,
  parse: (given: Given) => Effect.Effect<A, E>
): Effect.Effect<A, E> => Option.match(setting, { onNone: () => Effect.succeed(fallback), onSome: parse })
