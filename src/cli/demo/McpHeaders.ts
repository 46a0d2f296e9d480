/** The headers that an MCP server checks before it reads a message (MCP 2025-06-18, Transports). */
import * as Option from "effect/Option"
import * as Issuer from "../../domain/Issuer.js"
import * as Loopback from "../../domain/Loopback.js"
import * as JsonRpc from "./JsonRpc.js"

/** Versions of MCP that the server behind the transport negotiates, the newest first. */
export const protocolVersions = ["2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"] as const

/** Why a request is refused, and with which status. */
export interface Refusal {
  readonly status: 400 | 403
  readonly error: JsonRpc.ResponseError
}

/**
 * Refuses a web page of another site: it may be one whose name was rebound to this address (DNS rebinding). Requests
 * without `Origin` come from no web page. Pages on this computer, such as the MCP Inspector, may call.
 */
export const refuseOrigin = (origin: string | undefined, issuer: Issuer.Issuer): Option.Option<Refusal> => {
  if (origin === undefined || origin === Issuer.origin(issuer)) return Option.none()
  const isLocal = URL.canParse(origin) && Loopback.isLoopback(new URL(origin))
  return isLocal
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
 * Refuses a version of MCP that the server does not speak. Without the header the version is 2025-03-26. The version of
 * `initialize` is negotiated in its body, so its header does not count.
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
