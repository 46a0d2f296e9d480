/**
 * The file of settings: JSON, whose members are named as `Settings` names them. All of it is checked when it is read, so
 * that a slip is found before anything stands on it.
 */
import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as JSONSchema from "effect/JSONSchema"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as PrivateFile from "../../layers/files/PrivateFile.js"
import * as PostgresAddress from "../../layers/sql/postgres/PostgresAddress.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import { printable } from "../terminal/Output.js"
import * as Setting from "./Setting.js"
import * as Settings from "./Settings.js"

/** The member by which an editor finds the schema; it means nothing here. */
const schemaMember = "$schema"

/** The settings that may stand in the file. */
const members = Settings.all.filter(({ home }) => home !== "Environment")

/** A struct of settings, none of which must be there. */
const fieldsOf = (settings: ReadonlyArray<Setting.AnySetting>) =>
  Object.fromEntries(
    settings.map((setting) => [
      Setting.memberOf(setting),
      Schema.optional(setting.schema).annotations({ description: Setting.describe(setting) })
    ])
  )

/** The settings of each group. */
const groups: Readonly<Record<string, ReadonlyArray<Setting.AnySetting>>> = Record.map(Settings.groups, (_, name) =>
  members.filter(({ group }) => group === name)
)

/** What a file may hold, as a JSON Schema (draft 7). */
export const jsonSchema = (): JSONSchema.JsonSchema7Root =>
  JSONSchema.make(
    Schema.Struct({
      [schemaMember]: Schema.optional(Schema.String),
      ...fieldsOf(members.filter(({ group }) => group === undefined)),
      ...Record.map(Settings.groups, (description, name) =>
        Schema.optional(Schema.Struct(fieldsOf(groups[name] ?? []))).annotations({ description })
      )
    }).annotations({ title: "Latchkey's settings" })
  )

/** A member of a file: its place, its value, and its group if it has one. */
type Member = readonly [place: string, value: unknown, group?: string]

/** The members of a file; those of a group are taken out of it. */
const membersOf = (file: object): ReadonlyArray<Member> =>
  Object.entries(file).flatMap(
    ([name, value]: readonly [string, unknown]): ReadonlyArray<Member> =>
      Object.hasOwn(groups, name) && typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([member, value]) => [`${name}.${member}`, value, name])
        : [[name, value]]
  )

/** Reads a file, and checks it. */
const load = (path: string): Effect.Effect<typeof Setting.ConfigFile.Service, Failure> =>
  Effect.gen(function* () {
    const text = yield* Effect.tryPromise({
      try: () => Fs.readFile(path, "utf8"),
      catch: (cause) =>
        badUsage(
          `${path}: this file cannot be read (${cause instanceof Error && "code" in cause ? cause.code : cause})`
        )
    })
    // What a parser says of it may repeat a part of it.
    const file = yield* Effect.try({
      // Editors write a byte order mark unasked; a parser may ignore it (RFC 8259 §8.1).
      try: (): unknown => JSON.parse(text.replace(/^\uFEFF/, "")),
      catch: () => badUsage(`${path}: not JSON`)
    })
    if (typeof file !== "object" || file === null || Array.isArray(file)) {
      return yield* badUsage(`${path}: give an object of settings`)
    }
    const { [schemaMember]: _, ...given } = file as Readonly<Record<string, unknown>>
    for (const [place, value, group] of membersOf(given)) {
      const source = `${path}: ${printable(place)}`
      if (group === undefined && Object.hasOwn(groups, place)) {
        const names = groups[place]?.map(Setting.memberOf).join(", ")
        return yield* badUsage(`${source}: give an object with one or more of ${names}`)
      }
      const setting = Settings.all.find((setting) => setting.group === group && Setting.placeOf(setting) === place)
      if (setting === undefined) return yield* badUsage(`${source}: there is no such setting`)
      if (setting.home === "Environment") {
        const why = setting.secret ? "a secret does not belong in this file" : "this is not set in a file"
        return yield* badUsage(`${source}: ${why}: give it in ${Setting.variableOf(setting)}`)
      }
      yield* Setting.decode<unknown, unknown>(setting, { from: "file", source, value })
    }
    return { path, members: Object.fromEntries(membersOf(given).map(([place, value]) => [place, value])) }
  })

/** Warns where the file holds a password, and other users of the machine can read it. */
export const warnIfExposed: Effect.Effect<void> = Effect.flatMap(Setting.ConfigFile, ({ members, path }) => {
  const { database } = members
  const hasPassword = typeof database === "string" && PostgresAddress.hasPassword(database)
  return hasPassword ? PrivateFile.warnIfExposed("the file of settings, which holds a password,", [path]) : Effect.void
})

/** The words behind `--config`; the file is read before any command is, since the log is one of its settings. */
const inWords = (typed: ReadonlyArray<string>): Option.Option<Setting.Given> => {
  const option = Setting.optionOf(Settings.table.config)
  const index = typed.findIndex((word) => word === option || word.startsWith(`${option}=`))
  const word = typed[index]
  const path = word === option ? typed[index + 1] : word?.slice(option.length + 1)
  return Option.map(Option.fromNullable(path), (path) => Setting.ofOption(Settings.table.config, path))
}

/** Runs a command with the file that was typed, or that its variable names, if there is one. */
export const provide =
  (typed: ReadonlyArray<string>) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | Failure, R> =>
    Effect.flatMap(
      Setting.find(Settings.table.config, inWords(typed)),
      Option.match({
        onNone: () => self,
        onSome: (path) => Effect.flatMap(load(path), (file) => Effect.provideService(self, Setting.ConfigFile, file))
      })
    )
