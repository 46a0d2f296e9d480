/** RS: the guard of a resource refuses tokens in the form of a JWT. */
import { createHmac } from "node:crypto"
import { expect } from "vitest"
import { family } from "./support/Catalogue.js"
import * as Jwt from "./support/Jwt.js"
import { outcomeOf } from "./support/Outcome.js"
import type { Target } from "./support/Target.js"

const { absent, otherwise } = family()

/** A JWT with the claims of an access token, with changes. */
const jwt = (target: Target, header: object = {}, claims: object = {}, signature?: string) =>
  Jwt.jwt(
    { alg: "ES256", typ: "at+jwt", kid: "1", ...header },
    {
      iss: target.issuer,
      aud: target.resource,
      sub: "ada",
      client_id: "x",
      scope: "notes:read",
      exp: 4_102_444_800,
      iat: 1_700_000_000,
      jti: "1",
      ...claims
    },
    signature
  )

const refusesJwt = async (target: Target, tokens: ReadonlyArray<string>) => {
  for (const token of tokens) {
    const answer = await target.http({ path: "/notes", headers: { Authorization: `Bearer ${token}` } })
    expect(outcomeOf(answer), token).toBe("401 invalid_token")
  }
}

otherwise(
  "RS-10",
  "ADR 4: access tokens are sealed, and the guard reads no JWT",
  "a JWT of any type is refused",
  (target) =>
    refusesJwt(
      target,
      ["JWT", undefined, "id_token", "logout+jwt", "dpop+jwt", "at+jwt", "application/at+jwt", "AT+JWT"].map((typ) =>
        jwt(target, { typ })
      )
    )
)

otherwise(
  "RS-12",
  "ADR 4: access tokens are sealed, and the guard reads no JWT",
  "a JWT without a signature is refused",
  (target) =>
    refusesJwt(
      target,
      ["none", "None", "nOnE", "", null, undefined].flatMap((alg) =>
        // A bearer token may contain dots, and end with one.
        [jwt(target, { alg }, {}, ""), jwt(target, { alg })]
      )
    )
)

otherwise(
  "RS-13",
  "ADR 4: access tokens are sealed, and the guard reads no JWT",
  "a JWT that is signed with a public value is refused",
  async (target) => {
    const publicTexts = ["-----BEGIN PUBLIC KEY-----", '{"kty":"RSA"}', '{"keys":[]}', target.issuer, ""]
    const signed = publicTexts.map((key) => {
      const unsigned = jwt(target, { alg: "HS256" }).replace(/\.AAAA$/, "")
      return `${unsigned}.${createHmac("sha256", key).update(unsigned).digest("base64url")}`
    })
    await refusesJwt(target, signed)
  }
)

otherwise(
  "RS-14",
  "ADR 4: access tokens are sealed, and the guard reads no JWT",
  "no header of a JWT is read, and nothing is fetched or opened",
  async (target) => {
    const headers = [
      { jwk: { kty: "oct", k: "AAAA" } },
      { jku: `${target.origin}/evil` },
      { x5u: `${target.origin}/evil` },
      { x5c: ["AAAA"] },
      ...["../../etc/passwd", "' OR 1=1 --", `${target.origin}/evil`, "a".repeat(4_000)].map((kid) => ({ kid })),
      { crit: ["x"] },
      { b64: false },
      { cty: "JWT" },
      { alg: "dir", enc: "A256GCM", zip: "DEF" }
    ]
    await refusesJwt(target, [...headers.map((header) => jwt(target, header)), "a.b.c.d.e", "...."])
    expect(String(target.observed.places().log)).not.toContain("/evil")
  }
)

otherwise(
  "RS-15",
  "ADR 4: access tokens are sealed, and the guard reads no JWT",
  "a JWT is refused, whichever claim is missing",
  (target) =>
    refusesJwt(
      target,
      ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"].flatMap((name) =>
        [undefined, 1, [], {}].map((value) => jwt(target, {}, { [name]: value }))
      )
    )
)

absent("RS-18", "there are no keys to fetch, so an unknown key id causes no request", async (target) => {
  const metadata = (await target.http({ path: "/.well-known/oauth-authorization-server" })).json()
  expect(metadata).not.toHaveProperty("jwks_uri")
  await refusesJwt(
    target,
    Array.from({ length: 20 }, (_, index) => jwt(target, { kid: `random-${index}` }))
  )
})

absent("RS-19", "no address serves a key, and no key set is read", async (target) => {
  for (const path of ["/jwks.json", "/.well-known/jwks.json"]) {
    expect((await target.http({ path })).status).toBe(404)
  }
  expect((await target.http({ path: "/jwks" })).json()).toEqual({ keys: [] })
})
