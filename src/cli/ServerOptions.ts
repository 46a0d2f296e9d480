/** Where the server listens, what it is called, and where it keeps things. Commands beside it need the last two. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { Issuer } from "../domain/Issuer.js"
import { isLoopback } from "../domain/Loopback.js"
import * as Database from "./Database.js"
import { badUsage, type Failure } from "./Failure.js"
import * as Setting from "./Setting.js"

/** Where a server listens. */
export interface Address {
  /** As node:net takes it: an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

export const defaultAddress: Address = { host: "127.0.0.1", port: 9400 }

const host = Setting.option("host", "HOST", `The address to listen on; ${defaultAddress.host} if not given.`)

const port = Setting.option("port", "PORT", `The port to listen on; ${defaultAddress.port} if not given.`)

const issuer = Setting.option(
  "issuer",
  "URL",
  "The server's own address, as its clients know it; http://HOST:PORT if not given, and HOST is a loopback address."
)

const database = Setting.option(
  "database",
  "DATABASE",
  `Where everything is kept: sqlite:PATH, or memory: for what may be lost. ${Database.format(Database.standard)} if not given.`
)

/** The options of the server itself. */
export const forServer = { host, port, issuer, database }

/** The options of a command that works on a server's database. */
export const forCommand = { issuer, database }

/** What all of them come to. */
export interface Place {
  readonly address: Address
  readonly issuer: Issuer
  readonly database: Database.Database
}

/** Reads the options of the server. */
export const read = (given: {
  readonly host: Setting.Setting
  readonly port: Setting.Setting
  readonly issuer: Setting.Setting
  readonly database: Setting.Setting
}): Effect.Effect<Place, Failure> =>
  Effect.gen(function* () {
    const address: Address = {
      host: yield* Setting.read(given.host, defaultAddress.host, readHost),
      port: yield* Setting.read(given.port, defaultAddress.port, readPort)
    }
    return {
      address,
      issuer: yield* Option.match(given.issuer, { onNone: () => defaultIssuer(address), onSome: readIssuer }),
      database: yield* Setting.read(given.database, Database.standard, readDatabase)
    }
  })

/** Reads the options of a command: it means the server that the same environment would start. */
export const readForCommand = (given: {
  readonly issuer: Setting.Setting
  readonly database: Setting.Setting
}): Effect.Effect<Place, Failure> =>
  Effect.gen(function* () {
    const host = yield* Setting.variableOfOption("host")
    const port = yield* Setting.variableOfOption("port")
    return yield* read({ ...given, host, port })
  })

const toUrl = ({ host, port }: Address): string => `http://${host.includes(":") ? `[${host}]` : host}:${port}`

/** The URL at which an address answers, in normal form. */
export const urlOf = (address: Address): string => new URL(toUrl(address)).origin

const readHost = ({ source, text }: Setting.Given) => {
  const host = text.replace(/^\[(.*)\]$/, "$1")
  return /^[A-Za-z0-9._:-]+$/.test(host) && URL.canParse(toUrl({ host, port: 1 }))
    ? Effect.succeed(host)
    : badUsage(`${source}: give a host name or an address, such as 127.0.0.1`)
}

const readPort = ({ source, text }: Setting.Given) =>
  /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= 65_535
    ? Effect.succeed(Number(text))
    : badUsage(`${source}: give a port number, from 1 to 65535`)

const readIssuer = ({ source, text }: Setting.Given) =>
  Effect.mapError(Schema.decode(Issuer)(text), (error) =>
    badUsage(`${source}: ${ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message ?? "this is no issuer"}`)
  )

const defaultIssuer = (address: Address) => {
  const url = urlOf(address)
  return isLoopback(new URL(url))
    ? Effect.orDie(Schema.decode(Issuer)(url))
    : badUsage(`what listens on ${address.host} needs an address that its clients know: give --issuer https://…`)
}

const readDatabase = ({ source, text }: Setting.Given) =>
  Either.mapLeft(Database.parse(text), () => badUsage(`${source}: give sqlite:PATH or memory:`))
