/**
 * Request targets in absolute form, `GET http://auth.example.com/health HTTP/1.1`, which every server must accept
 * (RFC 9112 §3.2.2). Routers match paths, so such a target is answered as its path. The host in it is dropped;
 * `RequestHost` compares the `Host` header for pages.
 */

const schemeAndAuthority = /^https?:\/\/[^/?#]*/i

/** The target in origin form, or as it is where it is in no absolute form. An absent path is `/` (RFC 9112 §3.2.1). */
export const originForm = (target: string): string => {
  const path = target.replace(schemeAndAuthority, "")
  return path === target || path.startsWith("/") ? path : `/${path}`
}
