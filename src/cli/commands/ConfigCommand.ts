/** `latchkey config`: prints each setting, its value, and where it is given. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { toSettings } from "../../layers/settings/SettingsOptions.js"
import * as LibraryOptions from "../settings/LibraryOptions.js"
import * as Refusals from "../settings/Refusals.js"
import * as Setting from "../settings/Setting.js"
import * as Settings from "../settings/Settings.js"
import type * as Sources from "../settings/Sources.js"
import * as Target from "../settings/Target.js"
import * as Variables from "../settings/Variables.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"

const json = Options.boolean("json").pipe(Options.withDescription("Print a file with the same settings, for --config"))

const schema = Options.boolean("schema").pipe(Options.withDescription("Print the JSON Schema of the file"))

/** A setting and the value that applies, as the file would have it; `undefined` if there is none. */
type Row = readonly [setting: Setting.Setting, given: Pick<Sources.Given, "from" | "value">]

/** Loads everything, and refuses what a server would refuse. */
const load = (flags: Sources.Flags): Effect.Effect<ReadonlyArray<Row>, Failure> =>
  Effect.gen(function* () {
    const target = yield* Target.load(flags)
    const { given, issuer } = target
    yield* Effect.mapError(toSettings({ issuer, ...(yield* LibraryOptions.options(target)) }), Refusals.settingsError)
    return Array.from(
      given,
      ([setting, { from, value }]): Row => [setting, { from, value: setting.path[0] === "issuer" ? issuer : value }]
    )
  })

const printed = ({ withoutSecret }: Setting.Setting, value: unknown): unknown =>
  withoutSecret === undefined ? value : withoutSecret(value)

const toFile = (rows: ReadonlyArray<Row>) => {
  const inFile = rows.filter(([{ only }, { value }]) => only !== "Environment" && value !== undefined)
  const membersOf = (group: string | undefined) =>
    inFile.flatMap(([setting, { value }]) => {
      const [first, second] = setting.path
      const name = group === undefined && second === undefined ? first : first === group ? second : undefined
      return name === undefined ? [] : [[name, printed(setting, value)] as const]
    })
  const groups = Settings.groups.map((group) => [group, Object.fromEntries(membersOf(group))] as const)
  return Object.fromEntries([
    ...membersOf(undefined),
    ...groups.filter(([_, members]) => Object.keys(members).length > 0)
  ])
}

const toCell = (setting: Setting.Setting, value: unknown): string => {
  if (value === undefined) return "-"
  if (setting.isSecret === true) return "<redacted>"
  const text = printed(setting, value)
  return Output.printable(typeof text === "string" ? text : JSON.stringify(text))
}

const toTable = (rows: ReadonlyArray<Row>): string => {
  const cells = rows.map(
    ([setting, { from, value }]) => [Setting.placeOf(setting), toCell(setting, value), from] as const
  )
  const width = (column: 0 | 1) => Math.max(...cells.map((row) => row[column].length)) + 2
  const [names, values] = [width(0), width(1)]
  return cells.map(([name, value, from]) => `${name.padEnd(names)}${value.padEnd(values)}${from}`).join("\n")
}

export const config = Command.make("config", { ...Target.forServer, json, schema }, ({ json, schema, ...flags }) =>
  Effect.gen(function* () {
    if (json && schema) return yield* badUsage("give --json or --schema, not both")
    if (schema) return yield* Output.print(Output.toJson(Settings.jsonSchema()))
    const rows = yield* load(flags)
    yield* Output.print(json ? Output.toJson(toFile(rows)) : toTable(rows))
    yield* Variables.warnOfIgnored
  })
).pipe(Command.withDescription("Show all settings and where each is given"))
