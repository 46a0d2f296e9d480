/** `latchkey config`: what is in force, and where it comes from; and the same as a file. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { toSettings } from "../../layers/settings/SettingsOptions.js"
import * as ConfigFile from "../settings/ConfigFile.js"
import * as Environment from "../settings/Environment.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import * as Setting from "../settings/Setting.js"
import * as Settings from "../settings/Settings.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as Refusals from "../terminal/Refusals.js"

const json = Options.boolean("json").pipe(Options.withDescription("Prints a file that says the same."))

const schema = Options.boolean("schema").pipe(Options.withDescription("Prints the JSON Schema of such a file."))

/** A setting in force, as a file has it; `undefined` where nothing is. */
interface InForce {
  readonly setting: Setting.AnySetting
  readonly value: unknown
  readonly from: "default" | Setting.Given["from"]
}

/** Reads everything, and refuses what a server would refuse. */
const inForce = (typed: ServerOptions.Typed): Effect.Effect<ReadonlyArray<InForce>, Failure> =>
  Effect.gen(function* () {
    const { issuer } = yield* ServerOptions.read(typed)
    yield* Effect.mapError(toSettings({ issuer, ...(yield* Environment.options) }), Refusals.settingsError)
    return yield* Effect.forEach(Settings.all, (setting) =>
      Effect.map(
        given(setting, typed),
        Option.match({
          onNone: (): InForce => ({
            setting,
            value: setting === Settings.table.issuer ? issuer : setting.standard,
            from: "default"
          }),
          onSome: (given): InForce => ({ setting, ...given })
        })
      )
    )
  })

/** What was given for a setting, and can be used. */
const given = (setting: Setting.AnySetting, typed: ServerOptions.Typed) =>
  Effect.gen(function* () {
    const found = yield* Setting.given(setting, typed[setting.name as keyof ServerOptions.Typed])
    if (Option.isSome(found)) yield* Setting.decode<unknown, unknown>(setting, found.value)
    return found
  })

const asFile = (settings: ReadonlyArray<InForce>) => {
  const members = settings.filter(({ setting, value }) => setting.home !== "Environment" && value !== undefined)
  const fieldsOf = (group: string | undefined) =>
    members
      .filter(({ setting }) => setting.group === group)
      .map(({ setting, value }) => [Setting.memberOf(setting), setting.shown(value)] as const)
  const groups = new Set(members.flatMap(({ setting }) => setting.group ?? []))
  return Object.fromEntries([
    ...fieldsOf(undefined),
    ...Array.from(groups, (group) => [group, Object.fromEntries(fieldsOf(group))] as const)
  ])
}

const shown = ({ setting, value }: InForce): string => {
  if (value === undefined) return "-"
  if (setting.secret) return "<redacted>"
  const text = setting.shown(value)
  return Output.printable(typeof text === "string" ? text : JSON.stringify(text))
}

const asTable = (settings: ReadonlyArray<InForce>): string => {
  const rows = settings.map((row) => ({ name: Setting.placeOf(row.setting), value: shown(row), from: row.from }))
  const width = (column: "name" | "value") => Math.max(...rows.map((row) => row[column].length)) + 2
  const [names, values] = [width("name"), width("value")]
  return rows.map(({ from, name, value }) => `${name.padEnd(names)}${value.padEnd(values)}${from}`).join("\n")
}

export const config = Command.make(
  "config",
  { ...ServerOptions.forServer, json, schema },
  ({ json, schema, ...typed }) =>
    Effect.gen(function* () {
      if (json && schema) return yield* badUsage("give --json or --schema, not both")
      if (schema) return yield* Output.print(Output.toJson(ConfigFile.jsonSchema()))
      const settings = yield* inForce(typed)
      yield* Output.print(json ? Output.toJson(asFile(settings)) : asTable(settings))
      yield* Environment.warnOfIgnored
    })
).pipe(Command.withDescription("What is set, and where; or all of it as a file, which --config takes."))
