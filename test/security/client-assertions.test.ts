/** CAUTH: authentication by signature and by certificate does not exist. */
import { expect } from "vitest"
import { outcome } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { endpoints, good, invalidClient, withSecret } from "./support/ClientRequests.js"
import { jwt } from "./support/Jwt.js"
import type { Target } from "./support/Target.js"

const { absent, check } = family()

/** Signed assertions are not read, whatever they contain, and the metadata does not list them. */
const hasNoAssertions = async (target: Target, assertion: string) => {
  const client = await withSecret(target, "client_secret_post")
  const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
  for (const path of endpoints) {
    const asserted = { ...good(path), client_assertion: assertion, client_assertion_type: type }
    for (const parameters of [asserted, { ...asserted, client_id: client.client_id }]) {
      expect(await outcome(target.post(path, parameters)), path).toBe(invalidClient)
    }
  }
}

const claims = (target: Target) => ({ iss: "x", sub: "x", aud: target.issuer, exp: 4_102_444_800, jti: "1" })

absent("CAUTH-12", "private_key_jwt is not listed, not registered and not accepted", async (target) => {
  const metadata = (await target.http({ path: "/.well-known/oauth-authorization-server" })).json()
  for (const name of ["token", "revocation", "introspection"]) {
    expect(metadata[`${name}_endpoint_auth_methods_supported`]).not.toContain("private_key_jwt")
  }
  const registration = await target.send("/register", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      redirect_uris: ["https://client.example/callback"],
      token_endpoint_auth_method: "private_key_jwt"
    })
  })
  expect(await outcome(registration)).toBe("400 invalid_client_metadata")
  await hasNoAssertions(target, jwt({ alg: "ES256", typ: "client-authentication+jwt" }, claims(target)))
})

absent("CAUTH-13", "an assertion for any audience is refused", async (target) => {
  for (const aud of [`${target.issuer}/token`, [target.issuer], [target.issuer, "x"]]) {
    await hasNoAssertions(target, jwt({ alg: "ES256" }, { ...claims(target), aud }))
  }
})

absent("CAUTH-14", "an assertion of any issuer and subject is refused", async (target) => {
  for (const change of [{ iss: undefined }, { sub: undefined }, { iss: "other" }]) {
    await hasNoAssertions(target, jwt({ alg: "ES256" }, { ...claims(target), ...change }))
  }
})

absent("CAUTH-15", "an assertion of any time is refused", async (target) => {
  for (const exp of [0, undefined, "4102444800", 4_102_444_800.5]) {
    await hasNoAssertions(target, jwt({ alg: "ES256" }, { ...claims(target), exp }))
  }
})

absent("CAUTH-16", "an assertion is refused the first time, and no jti is remembered", (target) =>
  hasNoAssertions(target, jwt({ alg: "ES256" }, { ...claims(target), jti: "x".repeat(10_240) }))
)

absent("CAUTH-17", "an assertion of any algorithm is refused", async (target) => {
  for (const alg of ["none", "HS256", "RS256", "ES256"]) {
    await hasNoAssertions(target, jwt({ alg, crit: ["b64"], b64: false }, claims(target), alg === "none" ? "" : "AAAA"))
  }
})

absent("CAUTH-18", "no key is looked up, whatever a header names", async (target) => {
  const headers = [{ kid: "../../x" }, { kid: "' OR 1=1" }, { jku: `${target.origin}/evil` }, { jwk: { kty: "oct" } }]
  for (const header of headers) await hasNoAssertions(target, jwt({ alg: "ES256", ...header }, claims(target)))
  expect(String(target.observed.places().log)).not.toContain("/evil")
})

absent("CAUTH-19", "jwks_uri is not stored and not fetched", async (target) => {
  const client = await target.register({ jwks_uri: "http://127.0.0.1:1/jwks" })
  expect(client).not.toHaveProperty("jwks_uri")
})

check("CAUTH-20", "client_secret_jwt and client certificates authenticate no client", async (target) => {
  const metadata = (await target.http({ path: "/.well-known/oauth-authorization-server" })).json()
  expect(metadata.token_endpoint_auth_methods_supported).toEqual(["none", "client_secret_basic", "client_secret_post"])
  const client = await withSecret(target)
  const certificate = { "X-Client-Cert": "x", "X-SSL-Client-Verify": "SUCCESS", "X-Forwarded-Client-Cert": "Hash=x" }
  for (const path of endpoints) {
    const answer = await target.post(path, { ...good(path), client_id: client.client_id }, certificate)
    expect(await outcome(answer)).toBe(invalidClient)
  }
  await hasNoAssertions(target, jwt({ alg: "HS256" }, claims(target)))
})
