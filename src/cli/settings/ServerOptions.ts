/** Where the server listens, what it is called, and where it keeps things. Commands beside it need the last two. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Issuer } from "../../domain/Issuer.js"
import { isLoopback } from "../../domain/Loopback.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as Database from "./Database.js"
import * as Setting from "./Setting.js"
import { table } from "./Settings.js"

/** Where a server listens. */
export interface Address {
  /** As node:net takes it: an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

export const defaultAddress: Address = { host: table.host.standard, port: table.port.standard }

/** The options of a command that works on a server's database. */
export const forCommand = {
  issuer: Setting.option(table.issuer),
  database: Setting.option(table.database),
  config: Setting.option(table.config)
}

/** The options of the server itself. */
export const forServer = { host: Setting.option(table.host), port: Setting.option(table.port), ...forCommand }

/** What all of them come to. */
export interface Place {
  readonly address: Address
  readonly issuer: Issuer
  readonly database: Database.Database
}

/** What was typed, of which a command need not have everything: it means the server that the rest would start. */
export interface Typed {
  readonly host?: Option.Option<Setting.Given>
  readonly port?: Option.Option<Setting.Given>
  readonly issuer: Option.Option<Setting.Given>
  readonly database: Option.Option<Setting.Given>
}

/** Reads where the server is. */
export const read = (typed: Typed): Effect.Effect<Place, Failure> =>
  Effect.gen(function* () {
    const address: Address = {
      host: yield* Setting.read(table.host, typed.host),
      port: yield* Setting.read(table.port, typed.port)
    }
    const issuer = yield* Setting.find(table.issuer, typed.issuer)
    return {
      address,
      issuer: Option.isSome(issuer) ? issuer.value : yield* defaultIssuer(address),
      database: Database.parse(yield* Setting.read(table.database, typed.database))
    }
  })

const toUrl = ({ host, port }: Address): string => `http://${host.includes(":") ? `[${host}]` : host}:${port}`

/** The URL at which an address answers, in normal form. */
export const urlOf = (address: Address): string => new URL(toUrl(address)).origin

const defaultIssuer = (address: Address) => {
  const url = urlOf(address)
  return isLoopback(new URL(url))
    ? Effect.orDie(Schema.decode(Issuer)(url))
    : badUsage(`what listens on ${address.host} needs an address that its clients know: give --issuer https://…`)
}
