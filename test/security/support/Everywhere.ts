/** Requests that contain a text in every possible place. */
import { redirectUri } from "../../flow/support/Server.js"
import { basicOf } from "./Outcome.js"
import type { Request } from "./Raw.js"

/** A request with a JSON body; a text is sent unchanged. */
export const json = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Request => ({
  method: "POST",
  path,
  headers: { "Content-Type": "application/json", ...headers },
  body: typeof body === "string" ? body : JSON.stringify(body)
})

/** A posted form. */
export const form = (path: string, body: Readonly<Record<string, string>>): Request => ({ method: "POST", path, body })

/** All such requests; `authorization` is the header of an administrator. */
export const everywhere = (text: string, authorization: Readonly<Record<string, string>>): ReadonlyArray<Request> => {
  const inUrl = encodeURIComponent(text)
  const inHeader = Buffer.from(text)
    .toString("latin1")
    .replace(/[\r\n\0]/g, "")
  const authorize = ["client_id", "redirect_uri", "scope", "state", "resource", "login_hint", "prompt", "max_age", "x"]
  const token = { grant_type: "authorization_code", client_id: "x", code: "x", code_verifier: "x".repeat(43) }
  const members = ["client_name", "client_uri", "logo_uri", "scope", "contacts", "software_id", "x"]
  return [
    ...authorize.map((name): Request => ({ path: `/authorize?client_id=x&${name}=${inUrl}` })),
    ...Object.keys(token).map((name) => form("/token", { ...token, [name]: text })),
    ...["redirect_uri", "resource", "client_secret"].map((name) => form("/token", { ...token, [name]: text })),
    form("/token", { grant_type: "refresh_token", client_id: "x", refresh_token: text }),
    form("/revoke", { client_id: "x", token: text, token_type_hint: text }),
    form("/introspect", { client_id: text, client_secret: text, token: text }),
    form("/login", { form: text, username: text, password: text }),
    form("/consent", { form: text, decision: text }),
    ...members.map((name) => json("/register", { redirect_uris: [redirectUri], [name]: text })),
    json("/register", { redirect_uris: [text] }),
    json("/register", { redirect_uris: [redirectUri], grant_types: [text], token_endpoint_auth_method: text }),
    { ...form("/token", token), headers: basicOf(`${text}:${text}`) },
    { path: "/notes", headers: { Authorization: `Bearer ${inHeader}` } },
    { path: "/account", headers: { Cookie: `latchkey=${inHeader}; ${inHeader}=1` } },
    { path: "/health", headers: { "User-Agent": inHeader, "X-Forwarded-For": inHeader, Referer: inHeader } },
    { path: `/${inUrl}` },
    ...["users", "clients", "grants", "resources"].flatMap(
      (name): ReadonlyArray<Request> => [
        { path: `/api/admin/${name}/${inUrl}`, headers: authorization },
        { path: `/api/admin/${name}?username=${inUrl}&after=${inUrl}&limit=${inUrl}`, headers: authorization }
      ]
    ),
    { path: `/api/admin/events?after=${inUrl}&client=${inUrl}&account=${inUrl}`, headers: authorization },
    json("/api/admin/users", { username: text, password: text }, authorization)
  ]
}
