/**
 * One setting of the operator's: what it is called on the command line, in the environment and in the file, what it
 * means, and how it is read. Its name decides the others: `accessTokenTtl` is `LATCHKEY_ACCESS_TOKEN_TTL`, and, where it
 * has an option, `--access-token-ttl`.
 */
import * as Options from "@effect/cli/Options"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { badUsage, type Failure } from "../terminal/Failure.js"

/** A setting, as the table has it. */
export interface Setting<A, I = unknown> {
  /** Its name in the table, and in the file if it has no group. */
  readonly name: string
  /** The member of the file that holds it with others: `brandColor` of the group `brand` is `{ "brand": { "color": … } }`. */
  readonly group?: string | undefined
  readonly meaning: string
  /** From what stands in the file; an option or a variable is first made into that by `fromText`. */
  readonly schema: Schema.Schema<A, I>
  readonly fromText: (text: string) => unknown
  /** What holds where nothing is given, as the file would have it; `undefined` where that is not one value. */
  readonly standard?: NoInfer<I> | undefined
  /** The end of the sentence that says what holds where nothing is given. */
  readonly otherwise: string
  /** What to give, told to whoever gave something else; without it the schema's own words are used. */
  readonly hint?: string | undefined
  /** What stands for its value in the help of its option; without it there is no option. */
  readonly placeholder?: string | undefined
  /** Where it may be given; the command line counts as the environment does. */
  readonly home: "Anywhere" | "Environment" | "File"
  /** Whether its value is shown to nobody. */
  readonly secret: boolean
  /** What is shown of a value that is secret in part. */
  readonly shown: (value: unknown) => unknown
  /** Whether another program wrote this value into the variable. Such a value is ignored. */
  readonly isForeign: (text: string) => boolean
}

/** What somebody gave, in the file's form, and where, so that a refusal can name it. */
export interface Given {
  readonly from: "option" | "variable" | "file"
  readonly source: string
  readonly value: unknown
}

/** The file of settings, where there is one: its members, by their places, are known, and their values can be read. */
export class ConfigFile extends Context.Reference<ConfigFile>()("latchkey/ConfigFile", {
  defaultValue: (): { readonly path: string; readonly members: Readonly<Record<string, unknown>> } => ({
    path: "",
    members: {}
  })
}) {}

/** Any setting, where its type does not matter. */
export interface AnySetting extends Omit<Setting<unknown>, "schema" | "standard"> {
  readonly schema: Schema.Schema.AnyNoContext
  readonly standard?: unknown
}

const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** The option of a setting, if it has one. */
export const optionOf = ({ name }: Pick<AnySetting, "name">): string => `--${words(name)}`

/** The name of a setting within its group, or by itself. */
export const memberOf = ({ group, name }: Pick<AnySetting, "group" | "name">): string => {
  if (group === undefined) return name
  const member = name.slice(group.length)
  return member.charAt(0).toLowerCase() + member.slice(1)
}

/** Where a setting stands in the file, `brand.color`. */
export const placeOf = (setting: Pick<AnySetting, "group" | "name">): string =>
  setting.group === undefined ? setting.name : `${setting.group}.${memberOf(setting)}`

/** The variable of a setting, if it has one. */
export const variableOf = ({ name }: Pick<AnySetting, "name">): string =>
  `LATCHKEY_${words(name).toUpperCase().replaceAll("-", "_")}`

/** What it means, and what holds without it. */
export const describe = ({ meaning, otherwise }: AnySetting): string => `${meaning}; ${otherwise}.`

/** An option of the command line. */
export const option = (setting: AnySetting): Options.Options<Option.Option<Given>> =>
  Options.text(words(setting.name)).pipe(
    Options.withPseudoName(setting.placeholder ?? "TEXT"),
    Options.withDescription(`${describe(setting)} Or ${variableOf(setting)}.`),
    Options.map((text) => ofOption(setting, text)),
    Options.optional
  )

/** What is given by an option. */
export const ofOption = (setting: AnySetting, text: string): Given => ({
  from: "option",
  source: optionOf(setting),
  value: setting.fromText(text)
})

/** What is given for a setting, if anything is: an option wins over a variable, and that over the file. */
export const given = (
  setting: AnySetting,
  option: Option.Option<Given> = Option.none()
): Effect.Effect<Option.Option<Given>> =>
  Effect.gen(function* () {
    if (Option.isSome(option)) return option
    const variable = setting.home === "File" ? Option.none() : yield* fromEnvironment(setting)
    if (Option.isSome(variable)) return variable
    const { members, path } = yield* ConfigFile
    const place = placeOf(setting)
    return Object.hasOwn(members, place)
      ? Option.some<Given>({ from: "file", source: `${path}: ${place}`, value: members[place] })
      : Option.none()
  })

const fromEnvironment = (setting: AnySetting): Effect.Effect<Option.Option<Given>> =>
  Effect.map(
    Effect.orDie(Config.option(Config.string(variableOf(setting)))),
    Option.flatMap((raw): Option.Option<Given> => {
      const text = withoutLineEnd(raw)
      return setting.isForeign(text)
        ? Option.none()
        : Option.some({ from: "variable", source: variableOf(setting), value: setting.fromText(text) })
    })
  )

/**
 * A text without the byte order mark in front of it and the newlines behind it: a secret that was written by an editor or by
 * `echo` reaches a variable with them.
 */
const withoutLineEnd = (text: string): string => {
  let end = text.length
  while (end > 0 && "\r\n".includes(text.charAt(end - 1))) end -= 1
  return text.slice(text.startsWith("\uFEFF") ? 1 : 0, end)
}

/** Reads what was given. A refusal names where it stands, and repeats no value that is of another type than it should be. */
export const decode = <A, I>(setting: Setting<A, I>, { source, value }: Given): Effect.Effect<A, Failure> =>
  Effect.mapError(Schema.decodeUnknown(setting.schema, { onExcessProperty: "error" })(value), (error) => {
    const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
    const place = [source, ...(issue?.path ?? [])].map(String).join(".")
    return badUsage(`${place}: ${setting.hint ?? (typeof value === "string" ? issue?.message : "give a text")}`)
  })

/** The value of a setting where one is given. */
export const find = <A, I>(
  setting: Setting<A, I>,
  option?: Option.Option<Given>
): Effect.Effect<Option.Option<A>, Failure> =>
  Effect.flatMap(
    given(setting, option),
    Effect.transposeMapOption((given) => decode(setting, given))
  )

/** The value of a setting that has a standard one. */
export const read = <A, I>(
  setting: Setting<A, I> & { readonly standard: NonNullable<unknown> },
  option?: Option.Option<Given>
): Effect.Effect<A, Failure> =>
  Effect.flatMap(
    find(setting, option),
    Option.match({
      onNone: () => Effect.orDie(Schema.decodeUnknown(setting.schema)(setting.standard)),
      onSome: (value) => Effect.succeed(value)
    })
  )
