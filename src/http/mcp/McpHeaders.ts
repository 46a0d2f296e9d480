/** Checks of the headers of an MCP request (MCP 2025-06-18, Transports). */
import * as Option from "effect/Option"
import * as Issuer from "../../domain/Issuer.js"
import * as Loopback from "../../domain/Loopback.js"
import * as Url from "../../domain/Url.js"
import * as JsonRpc from "./JsonRpc.js"

/** Versions of MCP that the server of @effect/ai 0.37 negotiates, newest first. */
export const protocolVersions: ReadonlyArray<string> = ["2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"]

/** The error and the status of a refused request. */
export interface Refusal {
  readonly status: 400 | 403
  readonly error: JsonRpc.ResponseError
}

/**
 * Refuses requests from web pages of other sites. An attacker can point the name of a site at this address (DNS rebinding).
 * Requests without `Origin` do not come from a web page. Pages of the issuer's origin, those of `origins`, and pages on this
 * computer, such as the MCP Inspector, may call.
 */
export const refuseOrigin = (issuer: Issuer.Issuer, origins: ReadonlyArray<string>) => {
  const allowed = [Issuer.origin(issuer), ...origins]
  const refusal: Refusal = {
    status: 403,
    error: {
      code: JsonRpc.invalidRequest.code,
      message: `Invalid Request: web pages of another origin may not call this server; use ${allowed.join(", ")} or a page on this computer`
    }
  }
  return (origin: string | undefined): Option.Option<Refusal> => {
    if (origin === undefined || allowed.includes(origin)) return Option.none()
    const url = Url.parse(origin)
    return url !== undefined && Loopback.isLoopback(url) ? Option.none() : Option.some(refusal)
  }
}

/**
 * Refuses a version of MCP that is not one of `versions`. Without the header the version is 2025-03-26. `initialize` negotiates
 * the version in its body, so its header is ignored.
 */
export const refuseVersion = (
  version: string | undefined,
  versions: ReadonlyArray<string>,
  calls: ReadonlyArray<JsonRpc.Call>
): Option.Option<Refusal> =>
  version === undefined || versions.includes(version) || calls.some(({ method }) => method === "initialize")
    ? Option.none()
    : Option.some({
        status: 400,
        error: {
          code: JsonRpc.invalidRequest.code,
          message: `Invalid Request: unsupported MCP-Protocol-Version; this server speaks ${versions.join(", ")}`
        }
      })
