/** A client and a user go through the example over HTTP, from the first refusal to the notes. */
import type { AddressInfo } from "node:net"
import { createAdaptorServer } from "@hono/node-server"
import { Effect, Layer, Redacted, Schema } from "effect"
import { Username } from "latchkey/Account"
import { Accounts } from "latchkey/Accounts"
import * as AuthLayer from "latchkey/AuthLayer"
import { makeGuard } from "latchkey/guard"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { Storage } from "latchkey/Storage"
import * as oauth from "oauth4webapi"
import { expect, it } from "vitest"
import { Browser } from "../../test/flow/support/Browser.js"
import { make } from "./app.js"

const insecure = { [oauth.allowInsecureRequests]: true }
const redirect_uri = "https://client.example/callback"
const person = { username: "ada", password: "correct horse battery" }

/** Starts the example with one account. */
const start = async () => {
  const server = createAdaptorServer({ fetch: (...args) => fetchApp(...args) })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const kept = await Effect.runPromise(Effect.provide(Storage, MemoryStorage.layer))
  const storage = Layer.succeed(Storage, kept)
  const { app, dispose } = make(issuer, storage)
  const fetchApp: typeof app.fetch = (...args) => app.fetch(...args)
  await Effect.gen(function* () {
    const username = yield* Schema.decode(Username)(person.username)
    yield* (yield* Accounts).create({ username, password: Redacted.make(person.password) })
  }).pipe(Effect.provide(Layer.provide(AuthLayer.layerServices({ issuer, resources: [] }), storage)), Effect.runPromise)
  const stop = async () => {
    await new Promise((resolve) => server.close(resolve))
    await dispose()
  }
  return { issuer, storage, stop }
}

it("a client finds the server, gets a token and passes the guard of a Hono route", async () => {
  const { issuer, stop, storage } = await start()
  const call = (token?: string, method = "GET") =>
    fetch(`${issuer}/notes`, { method, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
  expect(await (await fetch(`${issuer}/`)).text()).toContain("The notes are at /notes")

  // Discovery begins at the refusal (RFC 9728 §5.1).
  const refused = await call()
  expect(refused.status).toBe(401)
  const metadataUrl = /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate") ?? "")?.[1] ?? ""
  const metadata = (await (await fetch(metadataUrl)).json()) as oauth.ResourceServer
  const found = new URL(metadata.authorization_servers?.[0] ?? "")
  const as = await oauth.processDiscoveryResponse(
    found,
    await oauth.discoveryRequest(found, { algorithm: "oauth2", ...insecure })
  )
  const client = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(
      as,
      { redirect_uris: [redirect_uri], token_endpoint_auth_method: "none" },
      insecure
    )
  )

  const code_verifier = oauth.generateRandomCodeVerifier()
  const url = new URL(as.authorization_endpoint ?? "")
  url.search = new URLSearchParams({
    response_type: "code",
    client_id: client.client_id,
    redirect_uri,
    scope: "notes:read",
    state: "the state",
    resource: metadata.resource,
    code_challenge: await oauth.calculatePKCECodeChallenge(code_verifier),
    code_challenge_method: "S256"
  }).toString()
  const browser = new Browser(fetch, issuer)
  const consent = await browser.submit(await browser.open(url), { fields: person })
  const { sentTo } = await browser.submit(consent, { button: "allow" })
  const answer = oauth.validateAuthResponse(as, client, sentTo ?? new URL(issuer), "the state")
  const tokens = await oauth.processAuthorizationCodeResponse(
    as,
    client,
    await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), answer, redirect_uri, code_verifier, {
      ...insecure,
      additionalParameters: { resource: metadata.resource }
    })
  )

  const allowed = await call(tokens.access_token)
  expect(allowed.status).toBe(200)
  expect(await allowed.json()).toEqual({ subject: expect.any(String), notes: ["Buy milk"] })
  const tooLittle = await call(tokens.access_token, "POST")
  expect(tooLittle.status).toBe(403)
  expect(tooLittle.headers.get("www-authenticate")).toContain('scope="notes:read notes:write"')

  // Another process on the same storage needs only the guard.
  const guard = makeGuard({ issuer, resource: metadata.resource, scopes: ["notes:read"] }, storage)
  const authorization = `Bearer ${tokens.access_token}`
  // The server declares the resource in its code, so the storage does not have it, and the error names it.
  await expect(guard({ headers: { authorization } })).rejects.toThrow(/\/notes, which does not exist/)
  await guard.dispose()
  const alone = makeGuard(
    { issuer, resources: [{ uri: metadata.resource, scopes: { "notes:read": "Read" } }], scopes: ["notes:read"] },
    storage
  )
  expect((await alone({ headers: { authorization } })).access).toEqual({
    subject: expect.any(String),
    principal: "User",
    clientId: client.client_id,
    scope: ["notes:read"],
    resource: metadata.resource,
    issuedAt: expect.any(Date),
    expiresAt: expect.any(Date)
  })
  for (const [status, request] of [
    [401, { headers: {} }],
    [401, { headers: { authorization: `Foobar ${tokens.access_token}` } }],
    [400, { headers: { authorization: [authorization, authorization] } }],
    [400, { headers: { authorization }, rawHeaders: ["Authorization", authorization, "authorization", authorization] }],
    [401, { headers: new Headers({ authorization: `${authorization}x` }) }],
    [400, { headers: { authorization: "Bearer \u0000é" } }]
  ] as const) {
    expect((await alone(request)).response?.status).toBe(status)
  }
  expect((await alone({ headers: { authorization } }, "notes:write")).response?.status).toBe(403)
  await alone.dispose()
  await stop()
})
