/** Checks of the headers of an MCP request (MCP 2025-06-18, Transports). */
import * as Option from "effect/Option"
import * as Issuer from "../../domain/Issuer.js"
import * as Loopback from "../../domain/Loopback.js"
import * as Url from "../../domain/Url.js"
import * as JsonRpc from "./JsonRpc.js"

/** Versions of MCP that the server of @effect/ai negotiates, newest first. */
export const protocolVersions = ["2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"] as const

/** The error and the status of a refused request. */
export interface Refusal {
  readonly status: 400 | 403
  readonly error: JsonRpc.ResponseError
}

/**
 * Refuses requests from web pages of other sites. An attacker can point the name of a site at this address (DNS rebinding).
 * Requests without `Origin` do not come from a web page. Pages on this computer, such as the MCP Inspector, may call.
 */
export const refuseOrigin = (origin: string | undefined, issuer: Issuer.Issuer): Option.Option<Refusal> => {
  if (origin === undefined || origin === Issuer.origin(issuer)) return Option.none()
  const url = Url.parse(origin)
  return url !== undefined && Loopback.isLoopback(url)
    ? Option.none()
    : Option.some({
        status: 403,
        error: {
          code: JsonRpc.invalidRequest.code,
          message: `Invalid Request: web pages of another origin may not call this server; use ${Issuer.origin(issuer)} or a page on this computer`
        }
      })
}

/**
 * Refuses an unsupported version of MCP. Without the header the version is 2025-03-26. `initialize` negotiates the version in
 * its body, so its header is ignored.
 */
export const refuseVersion = (
  version: string | undefined,
  calls: ReadonlyArray<JsonRpc.Call>
): Option.Option<Refusal> =>
  version === undefined ||
  protocolVersions.some((known) => known === version) ||
  calls.some(({ method }) => method === "initialize")
    ? Option.none()
    : Option.some({
        status: 400,
        error: {
          code: JsonRpc.invalidRequest.code,
          message: `Invalid Request: unsupported MCP-Protocol-Version; this server speaks ${protocolVersions.join(", ")}`
        }
      })
