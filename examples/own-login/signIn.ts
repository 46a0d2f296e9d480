/** A client and a user, for the tests: from discovery through the login of the app to tokens. */
import * as oauth from "oauth4webapi"
import { issuer } from "./app.js"

type Handler = (request: Request) => Promise<Response>

const redirectUri = "https://client.example/callback"

export const get = (handler: Handler, url: string, cookie = "") => handler(new Request(url, { headers: { cookie } }))

export const post = (handler: Handler, url: string, fields: Record<string, string>, cookie = "") =>
  handler(
    new Request(url, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { cookie, origin: issuer, "sec-fetch-site": "same-origin" }
    })
  )

export const location = (response: Response) => new URL(response.headers.get("location") ?? "", issuer)

/** The scopes that a consent page offers. */
const offered = (page: string): ReadonlyArray<string> =>
  Array.from(page.matchAll(/name="scope" value="([^"]+)"/g), ([, token = ""]) => token)

/** Requests every scope as a client; logs in and allows the offered scopes as a user. */
export const signIn = async (handler: Handler, person: { readonly name: string; readonly password: string }) => {
  const http = {
    [oauth.allowInsecureRequests]: true as const,
    [oauth.customFetch]: (url: string, init: object) => handler(new Request(url, init))
  }
  const as = await oauth.processDiscoveryResponse(
    new URL(issuer),
    await oauth.discoveryRequest(new URL(issuer), { algorithm: "oauth2", ...http })
  )
  const metadata = { redirect_uris: [redirectUri], token_endpoint_auth_method: "none", client_name: "Reader" }
  const client = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(as, metadata, http)
  )
  const verifier = oauth.generateRandomCodeVerifier()
  const url = new URL(`${issuer}/authorize`)
  url.search = new URLSearchParams({
    response_type: "code",
    client_id: client.client_id,
    redirect_uri: redirectUri,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256"
  }).toString()

  const login = location(await get(handler, url.href))
  const loggedIn = await post(handler, login.href, person)
  const cookie = loggedIn.headers.getSetCookie()[0]?.split(";")[0] ?? ""
  const consent = await (await get(handler, location(loggedIn).href, cookie)).text()
  const form = /name="form" value="([^"]+)"/.exec(consent)?.[1] ?? ""
  const fields = new URLSearchParams({ form, decision: "allow" })
  for (const token of offered(consent)) fields.append("scope", token)
  const allowed = await handler(
    new Request(`${issuer}/consent`, {
      method: "POST",
      body: fields,
      headers: { cookie, origin: issuer, "sec-fetch-site": "same-origin" }
    })
  )
  const tokens = await oauth.processAuthorizationCodeResponse(
    as,
    client,
    await oauth.authorizationCodeGrantRequest(
      as,
      client,
      oauth.None(),
      oauth.validateAuthResponse(as, client, location(allowed)),
      redirectUri,
      verifier,
      http
    )
  )
  const call = (path: string) =>
    handler(new Request(`${issuer}${path}`, { headers: { authorization: `Bearer ${tokens.access_token}` } }))
  return { login, consent, cookie, tokens, call }
}
