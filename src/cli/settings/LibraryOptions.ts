/** Converts the settings into the options of the library. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import type { Lifetimes } from "../../domain/Settings.js"
import type { Timeouts } from "../../layers/NodeServer.js"
import type { SettingsOptions } from "../../layers/settings/SettingsOptions.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as BrandOptions from "./BrandOptions.js"
import { lifetimeNames } from "./LifetimeSettings.js"
import * as Setting from "./Setting.js"
import * as Settings from "./Settings.js"
import type { Loaded } from "./Sources.js"

/** Settings whose names in the library differ from the names here. */
const otherNames: ReadonlyArray<readonly [name: string, setting: Setting.Setting]> = [
  ...Object.entries(lifetimeNames).map(([name, setting]) => [name, Settings.named(setting)] as const),
  ...Settings.all.filter(({ path }) => path.length === 2).map((setting) => [setting.path.join("\\."), setting] as const)
]

/** Replaces the names of the library in an error message by the names of the variables. */
export const withVariableNames = (message: string): string =>
  otherNames.reduce(
    (text, [name, setting]) => text.replace(new RegExp(`\\b${name}\\b`, "g"), Setting.variableOf(setting)),
    message
  )

/** Returns the lifetimes and windows. */
export const lifetimes = (settings: Settings.Settings): Lifetimes => Record.map(lifetimeNames, (name) => settings[name])

const clientAdmission = { open: "Open", hosts: "Hosts", approval: "Approval" } as const
const registration = { open: "Open", token: "Token", statement: "Statement", off: "Off" } as const

const logAddresses = { off: "Off", network: "Network", full: "Full" } as const

/** Returns the options of the library, without the issuer. */
export const options = (loaded: Loaded): Effect.Effect<Omit<SettingsOptions, "issuer">, Failure> => {
  const { settings } = loaded
  return Effect.map(BrandOptions.read(loaded), (brand) => ({
    resources: settings.resources,
    lifetimes: lifetimes(settings),
    privateUseSchemes: settings.redirectSchemes,
    appSchemes: settings.appSchemes,
    trustedProxies: settings.trustedProxies,
    retryFromElsewhere: settings.retryFromElsewhere === "replay" ? "Replay" : "Allow",
    rateLimits: settings.rateLimit ?? settings.rateLimits,
    networkLimits: settings.networkLimits,
    registration: registration[settings.registration],
    softwareStatements: settings.softwareStatements,
    maxUnusedClients: settings.maxUnusedClients,
    clientDocuments: settings.clientDocuments === "on",
    clientAdmission: clientAdmission[settings.clientAdmission],
    clientHosts: settings.clientHosts,
    outbound: settings.outboundRequests === "off" ? "off" : { allowedHosts: settings.outboundHosts },
    brand,
    logAddresses: logAddresses[settings.logAddresses]
  }))
}

/** Returns the timeouts of a connection. */
export const timeouts = ({
  headersTimeout,
  keepAliveTimeout,
  requestTimeout
}: Settings.Settings): Effect.Effect<Timeouts, Failure> => {
  if (!Duration.greaterThan(headersTimeout, requestTimeout)) {
    return Effect.succeed({ headersTimeout, requestTimeout, keepAliveTimeout })
  }
  const [headers, request] = [Settings.named("headersTimeout"), Settings.named("requestTimeout")].map(
    Setting.variableOf
  )
  return badUsage(`${headers} is longer than ${request}: make it at most as long`)
}
