/** Decides to which URLs and addresses the server may connect. */
import * as Either from "effect/Either"
import { isLoopback } from "../../domain/Loopback.js"
import { isListedHost, type Settings } from "../../domain/Settings.js"
import { OutboundError, type OutboundReason } from "../../services/outbound/OutboundClient.js"
import { isLoopbackAddress, isSpecialUse } from "./SpecialUse.js"

/** An address of a host, as `dns.lookup` returns it. */
export interface HostAddress {
  readonly address: string
  readonly family: number
}

/** The rules of a server. */
export interface Rules {
  readonly outbound: Settings["outbound"]
  /** Whether the server itself is on loopback. Then it may connect to loopback, also by http, and only programs of this machine can reach it. */
  readonly isOnLoopback: boolean
}

export const rulesOf = ({ issuer, outbound }: Pick<Settings, "issuer" | "outbound">): Rules => ({
  outbound,
  isOnLoopback: isLoopback(new URL(issuer))
})

const fail = (reason: OutboundReason, detail: string) => Either.left(new OutboundError({ reason, detail }))

/** Returns the host of a URL without the brackets of IPv6. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, "$1")

/**
 * Whether a port may be that of a web server. Ports below 1024 belong to other protocols, and a URL must not make the server
 * speak to their servers.
 */
const isWebPort = ({ port }: URL): boolean => port === "" || port === "443" || Number(port) >= 1024

/** Fails if the server must not request this URL, whatever its addresses are. */
export const checkUrl = (url: URL, { isOnLoopback, outbound }: Rules): Either.Either<void, OutboundError> => {
  if (!outbound.isEnabled) return fail("ForbiddenHost", "outbound requests are off in the settings")
  const mayBeHttp = isOnLoopback && (isLoopback(url) || isLoopbackAddress(hostOf(url)))
  if (url.protocol !== "https:" && !(url.protocol === "http:" && mayBeHttp)) {
    return fail("ForbiddenUrl", "the URL is no https URL")
  }
  if (url.username !== "" || url.password !== "") return fail("ForbiddenUrl", "the URL has a user")
  if (url.href.includes("#")) return fail("ForbiddenUrl", "the URL has a fragment")
  if (url.hostname.endsWith(".")) return fail("ForbiddenUrl", `the host ${url.hostname} ends in a dot`)
  if (!isWebPort(url) && !mayBeHttp) return fail("ForbiddenUrl", `the port ${url.port} is not allowed`)
  if (outbound.allowedHosts !== undefined && !isListedHost(outbound.allowedHosts, url.hostname)) {
    return fail("ForbiddenHost", `the host ${url.hostname} is not in the setting of allowed hosts`)
  }
  // A resolver may complete a name without a dot by the domain of its own network.
  return /[.:]/.test(url.hostname) || mayBeHttp
    ? Either.void
    : fail("ForbiddenHost", `the host ${url.hostname} is no full domain name`)
}

/** Fails if one of the addresses is not allowed. One bad address refuses all: no honest host has both kinds. */
export const checkAddresses = (
  url: URL,
  addresses: ReadonlyArray<HostAddress>,
  { isOnLoopback }: Rules
): Either.Either<void, OutboundError> => {
  if (addresses.length === 0) return fail("UnknownHost", `the host ${url.hostname} has no address`)
  const isRefused = ({ address }: HostAddress) =>
    url.protocol === "http:" || (isOnLoopback && isLoopbackAddress(address))
      ? !(isOnLoopback && isLoopbackAddress(address))
      : isSpecialUse(address)
  const refused = addresses.find(isRefused)
  return refused === undefined
    ? Either.void
    : fail("ForbiddenAddress", `the host ${url.hostname} has the special-use address ${refused.address}`)
}
