/** The settings of a server with only an issuer. */
import * as Layer from "effect/Layer"
import type { Issuer } from "../../src/domain/Issuer.js"
import {
  defaultLifetimes,
  defaultLogAddresses,
  defaultOutbound,
  defaultRetryFromElsewhere
} from "../../src/domain/Settings.js"
import { ServerSettings } from "../../src/services/ServerSettings.js"

export const settings = (issuer: Issuer) =>
  Layer.succeed(ServerSettings, {
    issuer,
    resources: [],
    lifetimes: defaultLifetimes,
    trustedProxies: [],
    privateUseSchemes: new Set<string>(),
    appSchemes: new Set<string>(),
    rateLimits: {},
    networkLimits: [],
    registration: "Off",
    softwareStatements: [],
    maxUnusedClients: 0,
    retryFromElsewhere: defaultRetryFromElsewhere,
    brand: {},
    clientDocuments: true,
    clientAdmission: "Open",
    clientHosts: [],
    logAddresses: defaultLogAddresses,
    outbound: defaultOutbound
  })
