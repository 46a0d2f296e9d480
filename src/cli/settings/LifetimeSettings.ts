/** Settings for how long tokens, sessions and rows live. */
import { defaultLifetimes, type Lifetimes } from "../../domain/Settings.js"
import * as Durations from "./Durations.js"
import { setting } from "./Setting.js"

const lifetime = (name: keyof Lifetimes, description: string) =>
  setting(Durations.DurationText, {
    description,
    default: Durations.format(defaultLifetimes[name]),
    hint: Durations.hint
  })

export const lifetimeFields = {
  accessTokenTtl: lifetime("accessToken", "Lifetime of an access token"),
  authorizationCodeTtl: lifetime("authorizationCode", "Lifetime of an authorization code"),
  refreshTokenIdleTtl: lifetime("refreshTokenIdle", "Time after which an unused refresh token expires"),
  grantTtl: lifetime("grant", "Lifetime of a grant, from the user's consent"),
  sessionTtl: lifetime("session", "Time that a user stays logged in"),
  formTtl: lifetime("form", "Time that a login or consent page stays valid"),
  refreshWindow: lifetime("refreshWindow", "Time in which a second use of a refresh token counts as a retry"),
  codeWindow: lifetime("codeWindow", "Time in which a second use of a code counts as a duplicate"),
  keyTtl: lifetime("key", "Time after which a new key replaces the current one"),
  eventRetention: lifetime("events", "Time that events are stored"),
  unusedClientTtl: lifetime(
    "unusedClient",
    "Time after which a client that registered itself and was never used is deleted"
  ),
  abandonedClientTtl: lifetime(
    "abandonedClient",
    "Time after its last use when a client that registered itself and has no grant is deleted"
  )
}

/** The setting of each lifetime of the library. */
export const lifetimeNames = {
  accessToken: "accessTokenTtl",
  authorizationCode: "authorizationCodeTtl",
  refreshTokenIdle: "refreshTokenIdleTtl",
  grant: "grantTtl",
  session: "sessionTtl",
  form: "formTtl",
  refreshWindow: "refreshWindow",
  codeWindow: "codeWindow",
  key: "keyTtl",
  events: "eventRetention",
  unusedClient: "unusedClientTtl",
  abandonedClient: "abandonedClientTtl"
} as const satisfies Record<keyof Lifetimes, keyof typeof lifetimeFields>
