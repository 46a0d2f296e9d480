/** The example does what it says: a client made in code gets a token for itself, and passes where clients may. */
import { HttpLayerRouter } from "@effect/platform"
import { Effect, Layer, Option, Redacted } from "effect"
import * as MemoryStorage from "latchkey/MemoryStorage"
import * as oauth from "oauth4webapi"
import { afterAll, expect, it } from "vitest"
import { App, issuer, makeReportClient } from "./app.js"

const made: Array<{ readonly client_id: string; readonly client_secret: string }> = []
const make = Layer.effectDiscard(
  Effect.map(makeReportClient, ({ client, secret }) => {
    made.push({ client_id: client.id, client_secret: Redacted.value(Option.getOrThrow(secret)) })
  })
)
const { dispose, handler } = HttpLayerRouter.toWebHandler(
  Layer.provideMerge(make, App).pipe(Layer.provide(MemoryStorage.layer)),
  { disableLogger: true }
)
afterAll(dispose)

const http = {
  [oauth.allowInsecureRequests]: true as const,
  [oauth.customFetch]: (url: string, init: object) => handler(new Request(url, init))
}

it("gives a service a token, which opens the route for services and not the one for people", async () => {
  const as = await oauth.processDiscoveryResponse(
    new URL(issuer),
    await oauth.discoveryRequest(new URL(issuer), { algorithm: "oauth2", ...http })
  )
  const { client_id = "", client_secret = "" } = made[0] ?? {}
  const answer = await oauth.clientCredentialsGrantRequest(
    as,
    { client_id },
    oauth.ClientSecretBasic(client_secret),
    { resource: `${issuer}/notes` },
    http
  )
  const { access_token } = await oauth.processClientCredentialsResponse(as, { client_id }, answer)
  const call = (path: string) =>
    handler(new Request(`${issuer}${path}`, { headers: { authorization: `Bearer ${access_token}` } }))
  expect(await (await call("/notes/count")).json()).toEqual({ count: 2, askedBy: `Client ${client_id}` })
  const refused = await call("/notes")
  expect(refused.status).toBe(403)
  expect(await refused.json()).toMatchObject({
    error: "insufficient_scope",
    error_description: "tokens that clients get for themselves are not accepted here"
  })
})
