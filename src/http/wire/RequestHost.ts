/**
 * The host that a request names (RFC 9110 §7.2). The server answers page requests at the issuer's host only: a cookie of
 * another host is missing at this one, and a user must not enter a password under a name that an attacker may control
 * (ADR 38).
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import { MisdirectedRequest } from "../../domain/HttpError.js"
import { isLoopback } from "../../domain/Loopback.js"
import type { Settings } from "../../domain/Settings.js"
import * as Url from "../../domain/Url.js"
import * as ClientAddress from "./ClientAddress.js"
import * as OncePerServer from "./OncePerServer.js"

/** Parses an authority as a URL with the issuer's scheme; returns `undefined` if the text is not an authority. */
const parse = (authority: string, { protocol }: URL): URL | undefined => {
  return /^[^\s/?#@\\]+$/.test(authority) ? Url.parse(`${protocol}//${authority}`) : undefined
}

/**
 * Returns the URL of a request of the Fetch standard, or a target in absolute form (RFC 9112 §3.2.2). `NodeServer` rewrites
 * such a target to its path first, so it comes only from other servers that host an app.
 */
const absoluteUrl = ({ source }: HttpServerRequest.HttpServerRequest): URL | undefined => {
  const { url } = source as { readonly url?: string }
  return url !== undefined && !url.startsWith("/") ? Url.parse(url) : undefined
}

/** The relation of a request's host to the issuer's. */
export type Standing =
  | { readonly _tag: "Ours" }
  /** Another name of this machine, at the issuer's port: the server can redirect to the issuer. */
  | { readonly _tag: "Alias" }
  | { readonly _tag: "Foreign"; readonly host: string; readonly isForwarded: boolean }

const ours: Standing = { _tag: "Ours" }

/**
 * Compares the host that a request names with the issuer's. Ports are not compared: proxies write their own, and cookies
 * ignore them (RFC 6265 §8.5). `X-Forwarded-Host` counts if a trusted proxy sends it. A request that names no host, as
 * HTTP/1.0 allows, counts as ours.
 */
export const standing = (
  request: HttpServerRequest.HttpServerRequest,
  { issuer, trustedProxies }: Pick<Settings, "issuer" | "trustedProxies">
): Standing => {
  const own = new URL(issuer)
  const { host } = request.headers
  const target = absoluteUrl(request)
  if (host === undefined && target === undefined) return ours
  const isOurs = (url: URL | undefined) => url?.hostname === own.hostname
  const named = host === undefined ? undefined : parse(host, own)
  if (isOurs(named) || isOurs(target)) return ours

  const forwarded = (request.headers["x-forwarded-host"] ?? "").split(",").map((part) => parse(part.trim(), own))
  const isForwarded = forwarded.some(isOurs)
  if (isForwarded && ClientAddress.isFromProxy(request, trustedProxies)) return ours

  const shown = target ?? named
  return shown !== undefined && isLoopback(shown) && isLoopback(own) && shown.port === own.port
    ? { _tag: "Alias" }
    : { _tag: "Foreign", host: shown?.hostname ?? "", isForwarded }
}

/** The error of a request that names another host (RFC 9110 §15.5.20). */
export const misdirected = new MisdirectedRequest({
  reason: "ForeignHost",
  description: "this server does not answer under this host name; use the address of its issuer"
})

/** Two warnings, so that a client that forges the header does not use up the warning about the `Host` header, or the reverse. */
const once = { forwarded: OncePerServer.make(), notForwarded: OncePerServer.make() }

/** Logs, once per server and remedy, the setting that the operator needs if a proxy in front changes the host. */
export const warn = (
  request: HttpServerRequest.HttpServerRequest,
  { host, isForwarded }: Extract<Standing, { readonly _tag: "Foreign" }>,
  settings: Settings
): Effect.Effect<void> => {
  const remedy = isForwarded
    ? "if this peer is your proxy, add its address to trustedProxies (LATCHKEY_TRUSTED_PROXIES); its X-Forwarded-Host then counts"
    : "if a proxy in front changes the Host header, have it send the original one, or send X-Forwarded-Host and add its address to trustedProxies (LATCHKEY_TRUSTED_PROXIES)"
  return once[isForwarded ? "forwarded" : "notForwarded"](
    settings,
    Effect.annotateLogs(Effect.logWarning(`request refused because its host is not the issuer's: ${remedy}`), {
      host,
      issuer: settings.issuer,
      ...ClientAddress.peerAnnotation(request)
    })
  )
}
