/** Finds the value of each setting: an option wins over a variable, a variable over the file, the file over the default. */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as ServiceLink from "./ServiceLink.js"
import * as Setting from "./Setting.js"
import * as Settings from "./Settings.js"

/** The value of a setting as the file would have it, and its source. */
export interface Given {
  readonly from: "option" | "variable" | "file" | "default"
  /** Names the source in an error message: `--port`, `LATCHKEY_PORT`, `latchkey.json: port`. */
  readonly label: string
  readonly value: unknown
}

/** The options that were typed, by the names of their settings. */
export type Flags = {
  readonly [Name in "config" | "host" | "port" | "issuer" | "database" | "workers"]?: Option.Option<string> | undefined
}

/** The members of the file of settings by their places, such as `brand.color`. There are none without a file. */
export class FileMembers extends Context.Reference<FileMembers>()("latchkey/FileMembers", {
  defaultValue: (): { readonly path: string; readonly members: ReadonlyMap<string, unknown> } => ({
    path: "",
    members: new Map()
  })
}) {}

/** Removes the byte order mark and the final newlines that an editor or `echo` adds to a text. */
const withoutLineEnd = (text: string): string => {
  let end = text.length
  while (end > 0 && "\r\n".includes(text.charAt(end - 1))) end -= 1
  return text.slice(text.startsWith("\uFEFF") ? 1 : 0, end)
}

/** Whether Kubernetes set this variable for a Service that is called `latchkey`. Such a value is ignored. */
export const isServiceLink = (setting: Setting.Setting, text: string): boolean =>
  setting.path[0] === "port" && ServiceLink.isAddress(text)

const fromEnvironment = (setting: Setting.Setting) =>
  Config.string(Setting.variableOf(setting)).pipe(
    Config.map(withoutLineEnd),
    Config.option,
    Effect.orDie,
    Effect.map(Option.filter((text) => !isServiceLink(setting, text)))
  )

const fromText = (setting: Setting.Setting, from: "option" | "variable", label: string, text: string): Given => ({
  from,
  label,
  value: setting.fromText === undefined ? text : setting.fromText(text)
})

const find = (setting: Setting.Setting, flags: Flags): Effect.Effect<Given> =>
  Effect.gen(function* () {
    const [name] = setting.path
    const flag = flags[name as keyof Flags] ?? Option.none()
    if (Option.isSome(flag)) return fromText(setting, "option", Setting.optionOf(setting), flag.value)
    if (setting.only !== "File") {
      const text = yield* fromEnvironment(setting)
      if (Option.isSome(text)) return fromText(setting, "variable", Setting.variableOf(setting), text.value)
    }
    const place = Setting.placeOf(setting)
    const { members, path } = yield* FileMembers
    return members.has(place) ? inFile(path, place, members.get(place)) : byDefault(setting)
  })

const byDefault = (setting: Setting.Setting): Given => ({
  from: "default",
  label: Setting.placeOf(setting),
  value: setting.default
})

const inFile = (path: string, place: string, value: unknown): Given => ({
  from: "file",
  label: `${path}: ${place}`,
  value
})

/** The settings, and the source of each. */
export interface Loaded {
  readonly settings: Settings.Settings
  readonly given: ReadonlyMap<Setting.Setting, Given>
}

/** Loads all settings. The error names the source of the first invalid one. */
export const load = (flags: Flags = {}): Effect.Effect<Loaded, Failure> =>
  Effect.flatMap(
    Effect.forEach(Settings.all, (setting) => Effect.map(find(setting, flags), (given) => [setting, given] as const)),
    (entries) => decode(new Map(entries))
  )

/** A setting that is not in a group. */
type Name = Exclude<keyof Settings.Settings, "brand">

const decodeOne = <const N extends Name>(name: N, given: Given): Effect.Effect<Settings.Settings[N], Failure> =>
  Effect.map(
    decode(new Map(Settings.all.map((setting) => [setting, setting.path[0] === name ? given : byDefault(setting)]))),
    ({ settings }) => settings[name]
  )

/** Loads one setting, whatever the others are. */
export const loadOne = <const N extends Name>(
  name: N,
  flags: Flags = {}
): Effect.Effect<Settings.Settings[N], Failure> =>
  Effect.flatMap(find(Settings.named(name), flags), (given) => decodeOne(name, given))

/** Decodes the text of another option that takes the same values as a setting. */
export const decodeText = <const N extends Name>(
  name: N,
  option: string,
  text: string
): Effect.Effect<Settings.Settings[N], Failure> =>
  decodeOne(name, fromText(Settings.named(name), "option", option, text))

/** Checks the members of a file, whether or not an option or a variable wins over them. */
export const checkFile = (path: string, members: ReadonlyMap<string, unknown>): Effect.Effect<Loaded, Failure> =>
  decode(
    new Map(
      Settings.all.map((setting) => {
        const place = Setting.placeOf(setting)
        return [setting, members.has(place) ? inFile(path, place, members.get(place)) : byDefault(setting)]
      })
    )
  )

const toRecord = (given: Loaded["given"]): Readonly<Record<string, unknown>> => {
  const record: Record<string, unknown> = {}
  const groups = new Map(Settings.groups.map((name): [string, Record<string, unknown>] => [name, {}]))
  for (const [{ path }, { value }] of given) {
    if (value === undefined) continue
    const [name, member] = path
    if (member === undefined) record[name] = value
    else Object.assign(groups.get(name) ?? {}, { [member]: value })
  }
  return { ...record, ...Object.fromEntries(groups) }
}

const decode = (given: Loaded["given"]): Effect.Effect<Loaded, Failure> =>
  Schema.decodeUnknown(Settings.Settings, { onExcessProperty: "error" })(toRecord(given)).pipe(
    Effect.map((settings) => ({ settings, given })),
    Effect.mapError((error) => refusal(given, error))
  )

/** Names the source of an invalid value. Repeats no value that has the wrong type, because it can be a secret. */
const refusal = (given: Loaded["given"], error: ParseResult.ParseError): Failure => {
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
  const path = issue?.path ?? []
  const found = Array.from(given).find(([setting]) => setting.path.every((name, index) => path[index] === name))
  if (found === undefined) return badUsage(issue?.message ?? "the settings are invalid")
  const [setting, { label, value }] = found
  const place = [label, ...path.slice(setting.path.length)].map(String).join(".")
  return badUsage(`${place}: ${setting.hint ?? (typeof value === "string" ? issue?.message : "give a text")}`)
}
