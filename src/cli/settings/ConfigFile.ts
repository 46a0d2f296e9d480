/** The file of settings: JSON, with the members of `Settings`. All of it is checked when it is read. */
import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SimilarName from "../../domain/SimilarName.js"
import * as PrivateFile from "../../layers/files/PrivateFile.js"
import * as PostgresAddress from "../../layers/sql/postgres/PostgresAddress.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import { printable } from "../terminal/Output.js"
import * as Setting from "./Setting.js"
import * as Settings from "./Settings.js"
import * as Sources from "./Sources.js"

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Lists the members of a file by their places; those of a group one by one. */
const membersOf = (file: Readonly<Record<string, unknown>>): ReadonlyArray<Setting.Setting["path"]> =>
  Object.entries(file).flatMap(
    ([name, value]): ReadonlyArray<Setting.Setting["path"]> =>
      Settings.groups.includes(name) && isObject(value)
        ? Object.keys(value).map((member) => [name, member] as const)
        : [[name]]
  )

const valueAt = (file: Readonly<Record<string, unknown>>, [name, member]: Setting.Setting["path"]): unknown => {
  const value = file[name]
  return member !== undefined && isObject(value) ? value[member] : value
}

/** Explains why a member of the file is no setting of the file; `undefined` if it is one. */
const objection = (path: Setting.Setting["path"]): string | undefined => {
  const [name] = path
  if (path.length === 1 && Settings.groups.includes(name)) {
    const members = Settings.all.flatMap(({ path }) => (path.length === 2 && path[0] === name ? path[1] : []))
    return `give an object with one or more of ${members.join(", ")}`
  }
  const setting = Settings.all.find((setting) => setting.path.join("\0") === path.join("\0"))
  if (setting === undefined) {
    const given = path.join(".")
    const similar = SimilarName.nearest(given, Settings.all.map(Setting.placeOf))
    return `there is no such setting${similar === undefined || similar === given ? "" : `; did you mean ${similar}?`}`
  }
  if (setting.only !== "Environment") return undefined
  const why = setting.isSecret === true ? "a secret does not belong in this file" : "this cannot be set in a file"
  return `${why}: give it in ${Setting.variableOf(setting)}`
}

const parse = (path: string, text: string) =>
  Effect.try({
    // Editors write a byte order mark; a parser may ignore it (RFC 8259 §8.1).
    try: (): unknown => JSON.parse(text.replace(/^\uFEFF/, "")),
    // The error of the parser can repeat a part of the file.
    catch: () => badUsage(`${path}: not JSON`)
  })

/** Reads a file and checks it. */
const load = (path: string): Effect.Effect<typeof Sources.FileMembers.Service, Failure> =>
  Effect.gen(function* () {
    const text = yield* Effect.tryPromise({
      try: () => Fs.readFile(path, "utf8"),
      catch: (cause) =>
        badUsage(
          `${path}: this file cannot be read (${cause instanceof Error && "code" in cause ? cause.code : cause})`
        )
    })
    const file = yield* parse(path, text)
    if (!isObject(file)) return yield* badUsage(`${path}: give an object of settings`)
    const { [Settings.schemaMember]: _, ...given } = file
    const paths = membersOf(given)
    for (const member of paths) {
      const wrong = objection(member)
      if (wrong !== undefined) return yield* badUsage(`${path}: ${printable(member.join("."))}: ${wrong}`)
    }
    const members = new Map(paths.map((path) => [path.join("."), valueAt(given, path)]))
    yield* Sources.checkFile(path, members)
    return { path, members }
  })

/** Warns if the file holds a password and other users of the machine can read it. */
export const warnIfExposed: Effect.Effect<void> = Effect.flatMap(Sources.FileMembers, ({ members, path }) => {
  const database = members.get("database")
  const hasPassword = typeof database === "string" && PostgresAddress.hasPassword(database)
  return hasPassword ? PrivateFile.warnIfExposed("the file of settings, which holds a password,", [path]) : Effect.void
})

/** Finds the value of `--config` before the command line is parsed, because the log level is one of the file's settings. */
const typedPath = (words: ReadonlyArray<string>): Option.Option<string> => {
  const index = words.findIndex((word) => word === "--config" || word.startsWith("--config="))
  const word = words[index]
  return Option.fromNullable(word === "--config" ? words[index + 1] : word?.slice("--config=".length))
}

/** Runs a command with the file that `--config` or its variable names, if there is one. */
export const provide =
  (words: ReadonlyArray<string>) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | Failure, R> =>
    Effect.flatMap(Sources.loadOne("config", { config: typedPath(words) }), (path) =>
      path === undefined
        ? self
        : Effect.flatMap(load(path), (file) => Effect.provideService(self, Sources.FileMembers, file))
    )
