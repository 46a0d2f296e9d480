/** The server that a command starts or works on: its address, issuer, database and settings. */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Issuer } from "../../domain/Issuer.js"
import { isLoopback } from "../../domain/Loopback.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as Database from "./Database.js"
import * as Setting from "./Setting.js"
import * as Settings from "./Settings.js"
import * as Sources from "./Sources.js"

/** The address that a server listens on. */
export interface Address {
  /** As `node:net` takes it: an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

export interface Target extends Sources.Loaded {
  readonly address: Address
  readonly issuer: Issuer
  readonly database: Database.Database
}

const option = (name: keyof Sources.Flags): Options.Options<Option.Option<string>> => {
  const setting = Settings.named(name)
  return Options.text(Setting.optionOf(setting).slice("--".length)).pipe(
    Options.withPseudoName(setting.placeholder ?? "TEXT"),
    Options.withDescription(`${Setting.describe(setting)} [env: ${Setting.variableOf(setting)}]`),
    Options.optional
  )
}

/** The options of a command that works on the database of a server. */
export const forCommand = { issuer: option("issuer"), database: option("database"), config: option("config") }

/** The options of the server itself. */
export const forServer = { host: option("host"), port: option("port"), workers: option("workers"), ...forCommand }

/** Loads the settings of a server. Options that a command does not have count as not given. */
export const load = (flags: Sources.Flags = {}): Effect.Effect<Target, Failure> =>
  Effect.gen(function* () {
    const { config, database, host, issuer, port, workers } = flags
    const loaded = yield* Sources.load({ config, database, host, issuer, port, workers })
    const address: Address = { host: loaded.settings.host, port: loaded.settings.port }
    return {
      ...loaded,
      address,
      issuer: loaded.settings.issuer ?? (yield* defaultIssuer(address)),
      database: Database.parse(loaded.settings.database)
    }
  })

/** Returns the URL of an address, in normal form. */
export const urlOf = ({ host, port }: Address): string =>
  new URL(`http://${host.includes(":") ? `[${host}]` : host}:${port}`).origin

/** The issuer without any settings. */
export const standardIssuer: string = urlOf({
  host: String(Settings.named("host").default),
  port: Number(Settings.named("port").default)
})

const defaultIssuer = (address: Address) => {
  const url = urlOf(address)
  return isLoopback(new URL(url))
    ? Effect.orDie(Schema.decode(Issuer)(url))
    : badUsage(`a server that listens on ${address.host} needs the URL that its clients know: give --issuer https://…`)
}
