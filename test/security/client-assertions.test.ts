/** CAUTH: authentication by a signed assertion. A shared secret or a certificate signs nothing here. */
import { randomUUID } from "node:crypto"
import { expect } from "vitest"
import { outcome } from "../flow/support/Server.js"
import { assertionType, type ClientKey, claimsOf, makeKey, parametersOf, signed } from "../support/Assertions.js"
import { family } from "./support/Catalogue.js"
import { endpoints, good, invalidClient, withSecret } from "./support/ClientRequests.js"
import { jwt } from "./support/Jwt.js"
import type { Target } from "./support/Target.js"

const { check } = family()

const key = makeKey("ES256", { kid: "one" })

/** A client that signs with these keys. */
const signer = (target: Target, keys: ReadonlyArray<ClientKey> = [key]) =>
  target.addClient({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: keys.map(({ jwk }) => jwk) } })

/** Sends an assertion to each endpoint, each time a new one. */
const everywhere = async (target: Target, make: () => string, expected: string) => {
  for (const path of endpoints) {
    expect(await outcome(target.post(path, { ...good(path), ...parametersOf(make()) })), path).toBe(expected)
  }
}

/** Sends assertions of a new client that differ from good ones in these claims. */
const withClaims = async (target: Target, changes: object, expected: string) => {
  const { client_id } = await signer(target)
  await everywhere(target, () => signed(key, {}, claimsOf(client_id, target.issuer, Date.now(), changes)), expected)
}

check(
  "CAUTH-12",
  "private_key_jwt is listed with its algorithms, and a signed assertion authenticates",
  async (target) => {
    const metadata = (await target.http({ path: "/.well-known/oauth-authorization-server" })).json()
    for (const name of ["token", "revocation", "introspection"]) {
      expect(metadata[`${name}_endpoint_auth_methods_supported`]).toContain("private_key_jwt")
      expect(metadata[`${name}_endpoint_auth_signing_alg_values_supported`]).not.toContain("HS256")
    }
    await withClaims(target, {}, "200")
  }
)

check("CAUTH-13", "the audience of an assertion is the issuer alone", async (target) => {
  await withClaims(target, { aud: [target.issuer] }, "200")
  for (const aud of [`${target.issuer}/token`, [target.issuer, "x"], [], "x", undefined]) {
    await withClaims(target, { aud }, invalidClient)
  }
})

check("CAUTH-14", "issuer and subject of an assertion are the client", async (target) => {
  for (const change of [{ iss: undefined }, { sub: undefined }, { iss: "other" }, { iss: "x", sub: "x" }]) {
    await withClaims(target, change, invalidClient)
  }
})

check(
  "CAUTH-15",
  "an assertion has an expiry at most ten minutes ahead, and was not made in the future",
  async (target) => {
    const now = Math.floor(Date.now() / 1000)
    for (const exp of [0, now - 60, now + 700, undefined, String(now + 60), 4_102_444_800.5]) {
      await withClaims(target, { exp }, invalidClient)
    }
    for (const change of [{ iat: now + 120 }, { nbf: now + 120 }]) await withClaims(target, change, invalidClient)
  }
)

check("CAUTH-16", "an assertion works once, at whichever endpoint, and needs an id", async (target) => {
  const { client_id } = await signer(target)
  const assertion = signed(key, {}, claimsOf(client_id, target.issuer, Date.now()))
  expect(await outcome(target.post("/introspect", { token: "x", ...parametersOf(assertion) }))).toBe("200")
  await everywhere(target, () => assertion, invalidClient)
  for (const jti of [undefined, "", 1, "x".repeat(10_240)]) await withClaims(target, { jti }, invalidClient)
})

check("CAUTH-17", "an assertion is signed by an algorithm of the list that goes with the key", async (target) => {
  const rsa = makeKey("RS256", { kid: "one", alg: "RS256" })
  const { client_id } = await signer(target, [rsa])
  const claims = () => claimsOf(client_id, target.issuer, Date.now())
  for (const alg of ["none", "HS256", "ES256", "RS256", "RS1", ""]) {
    await everywhere(target, () => jwt({ alg }, claims(), alg === "none" ? "" : "AAAA"), invalidClient)
  }
  await everywhere(target, () => signed({ ...rsa, alg: "PS256" }, {}, claims()), invalidClient)
  await everywhere(target, () => signed(rsa, { crit: ["b64"], b64: false }, claims()), invalidClient)
  await everywhere(target, () => signed(rsa, {}, claims()), "200")
})

check("CAUTH-18", "a key of the header is never used, and nothing in the header is fetched", async (target) => {
  const { client_id } = await signer(target)
  const own = makeKey("ES256", { kid: "one" })
  const headers = [{ kid: "../../x" }, { kid: "' OR 1=1" }, { jku: `${target.origin}/evil` }, { jwk: own.jwk }, {}]
  for (const header of headers) {
    await everywhere(target, () => signed(own, header, claimsOf(client_id, target.issuer, Date.now())), invalidClient)
  }
  expect(String(target.observed.places().log)).not.toContain("/evil")
})

check(
  "CAUTH-19",
  "keys are fetched by the guarded client only, which connects to no private network",
  async (target) => {
    for (const jwks_uri of ["http://keys.example.com/jwks", "https://user@keys.example.com/", "file:///etc/passwd"]) {
      const registration = await target.send("/register", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          redirect_uris: ["https://client.example/callback"],
          token_endpoint_auth_method: "private_key_jwt",
          jwks_uri
        })
      })
      expect(await outcome(registration), jwks_uri).toBe("400 invalid_client_metadata")
    }
    for (const jwks_uri of ["https://169.254.169.254/latest", "https://10.0.0.1/", "https://[::ffff:127.0.0.1]/"]) {
      const { client_id } = await target.addClient({ token_endpoint_auth_method: "private_key_jwt", jwks_uri })
      const assertion = () => signed(key, {}, claimsOf(client_id, target.issuer, Date.now(), { jti: randomUUID() }))
      await everywhere(target, assertion, "503 temporarily_unavailable")
    }
  }
)

check("CAUTH-20", "client_secret_jwt and client certificates authenticate no client", async (target) => {
  const metadata = (await target.http({ path: "/.well-known/oauth-authorization-server" })).json()
  expect(metadata.token_endpoint_auth_methods_supported).toEqual([
    "none",
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt"
  ])
  const client = await withSecret(target)
  const certificate = { "X-Client-Cert": "x", "X-SSL-Client-Verify": "SUCCESS", "X-Forwarded-Client-Cert": "Hash=x" }
  for (const path of endpoints) {
    const answer = await target.post(path, { ...good(path), client_id: client.client_id }, certificate)
    expect(await outcome(answer)).toBe(invalidClient)
  }
  const claims = claimsOf(client.client_id, target.issuer, Date.now())
  await everywhere(target, () => jwt({ alg: "HS256" }, claims), invalidClient)
  const other = { client_assertion: "x", client_assertion_type: assertionType.replace("jwt-bearer", "saml2-bearer") }
  expect(await outcome(target.post("/token", { ...good("/token"), ...other }))).toBe(invalidClient)
})
