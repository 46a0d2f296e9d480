/** The private-use schemes that the redirect URIs of a client may have (RFC 8252 §7.1). */
import type * as Client from "../../domain/Client.js"
import type * as RedirectUri from "../../domain/RedirectUri.js"
import type { Settings } from "../../domain/Settings.js"

/**
 * Returns the policy for a method of client authentication. A client that authenticates is a service: its redirect URI
 * has a host, or a scheme that the operator named.
 */
export const make = (settings: Pick<Settings, "appSchemes" | "privateUseSchemes">) => {
  const forApps: RedirectUri.Policy = {
    privateUseSchemes: new Set([...settings.privateUseSchemes, ...settings.appSchemes])
  }
  return (method: Client.AuthMethod): RedirectUri.Policy => (method === "none" ? forApps : settings)
}
