/**
 * Rewrites request targets in absolute form, `GET http://auth.example.com/health HTTP/1.1`, which every server must accept
 * (RFC 9112 §3.2.2). Routers match paths, so only the path remains. The host is dropped: `RequestHost` compares the `Host`
 * header for pages.
 */

const schemeAndAuthority = /^https?:\/\/[^/?#]*/i

/** Returns a target in origin form. Other targets stay as they are. An absent path becomes `/` (RFC 9112 §3.2.1). */
export const originForm = (target: string): string => {
  const path = target.replace(schemeAndAuthority, "")
  return path === target || path.startsWith("/") ? path : `/${path}`
}
