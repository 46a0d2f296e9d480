/** The example does what it says: a client sends a person here, the app logs them in, and the token is theirs. */
import { HttpLayerRouter } from "@effect/platform"
import { Layer } from "effect"
import * as MemoryStore from "latchkey/layers/MemoryStore"
import * as oauth from "oauth4webapi"
import { afterAll, expect, it } from "vitest"
import { App, issuer } from "./app.js"

const { dispose, handler } = HttpLayerRouter.toWebHandler(App.pipe(Layer.provide(MemoryStore.layer)), {
  disableLogger: true
})
afterAll(dispose)

const redirectUri = "https://client.example/callback"
const http = {
  [oauth.allowInsecureRequests]: true as const,
  [oauth.customFetch]: (url: string, init: object) => handler(new Request(url, init))
}

const get = (url: string, cookie = "") => handler(new Request(url, { headers: { cookie } }))

const post = (url: string, fields: Record<string, string>, cookie = "") =>
  handler(
    new Request(url, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { cookie, origin: issuer, "sec-fetch-site": "same-origin" }
    })
  )

const location = (response: Response) => new URL(response.headers.get("location") ?? "", issuer)

it("takes a person from a client through the app's own login to a token", async () => {
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
    scope: "notes:read",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256"
  }).toString()

  const login = location(await get(url.href))
  expect(login.pathname).toBe("/login")
  expect(await (await get(login.href)).text()).toContain("Log in")
  expect((await post(login.href, { name: "ada", password: "a guess" })).status).toBe(403)
  const loggedIn = await post(login.href, { name: "ada", password: "difference engine" })
  const cookie = loggedIn.headers.getSetCookie()[0]?.split(";")[0] ?? ""

  const consent = await (await get(location(loggedIn).href, cookie)).text()
  expect(consent).toContain("Ada Lovelace")
  const form = /name="form" value="([^"]+)"/.exec(consent)?.[1] ?? ""
  const allowed = await post(`${issuer}/consent`, { form, decision: "allow", scope: "notes:read" }, cookie)
  const { access_token } = await oauth.processAuthorizationCodeResponse(
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
  const notes = await handler(new Request(`${issuer}/notes`, { headers: { authorization: `Bearer ${access_token}` } }))
  expect(await notes.json()).toEqual({ subject: "user-1", notes: ["Buy milk"] })
})

it("sends nobody on to where a stranger's link says", async () => {
  const login = `${issuer}/login?return_to=${encodeURIComponent("https://evil.example/")}`
  expect(location(await post(login, { name: "ada", password: "difference engine" })).href).toBe(`${issuer}/account`)
})
