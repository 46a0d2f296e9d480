/** Endpoints and grant types of the catalogue that do not exist. A test fails as soon as one appears, so that its checks follow. */
import { expect } from "vitest"
import { outcome } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import type { Target } from "./support/Target.js"

const { absent } = family()

/** No route answers, whatever the method, and neither document names such a member. */
const isNowhere = async (target: Target, paths: ReadonlyArray<string>, members: ReadonlyArray<string>) => {
  for (const path of paths) {
    for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS"]) {
      expect((await target.http({ method, path })).status, `${method} ${path}`).toBe(404)
    }
  }
  for (const path of ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/notes"]) {
    const document = (await target.http({ path })).json()
    for (const member of members) expect(document, path).not.toHaveProperty(member)
  }
}

const isNoGrantType = async (target: Target, grant_type: string) => {
  const client = await target.register()
  expect(await outcome(target.token(client, { grant_type }))).toBe("400 unsupported_grant_type")
  const document = (await target.http({ path: "/.well-known/oauth-authorization-server" })).json()
  expect(document.grant_types_supported).not.toContain(grant_type)
}

absent("JWKS", "the key set is empty, because access tokens are sealed and not signed", async (target) => {
  await isNowhere(target, ["/jwks.json", "/.well-known/jwks.json"], ["jwks_uri"])
  const { jwks_uri } = (await target.http({ path: "/.well-known/openid-configuration" })).json()
  expect(jwks_uri).toBe(`${target.issuer}/jwks`)
  expect((await target.http({ path: "/jwks" })).json()).toEqual({ keys: [] })
})

absent("PAR", "no endpoint takes pushed authorization requests", (target) =>
  isNowhere(target, ["/par"], ["pushed_authorization_request_endpoint", "require_pushed_authorization_requests"])
)

absent("DPOP", "a proof is ignored, and the token is a plain bearer token", async (target) => {
  await isNowhere(target, [], ["dpop_signing_alg_values_supported", "dpop_bound_access_tokens_required"])
  const client = await target.register()
  const { code, verifier } = await target.code(client)
  const body = { grant_type: "authorization_code", client_id: client.client_id, code, code_verifier: verifier }
  const answer = await target.http({ method: "POST", path: "/token", body, headers: { DPoP: "e30.e30.e30" } })
  expect(answer.json()).toMatchObject({ token_type: "Bearer" })
})

absent("DEVICE", "no endpoint and no grant type serves devices", async (target) => {
  await isNowhere(target, ["/device", "/device_authorization"], ["device_authorization_endpoint"])
  await isNoGrantType(target, "urn:ietf:params:oauth:grant-type:device_code")
})

absent("EXCHANGE", "the token endpoint exchanges no tokens", (target) =>
  isNoGrantType(target, "urn:ietf:params:oauth:grant-type:token-exchange")
)

absent("JWTGRANT", "the token endpoint takes no assertions as grants", (target) =>
  isNoGrantType(target, "urn:ietf:params:oauth:grant-type:jwt-bearer")
)

absent("UINFO", "no endpoint returns claims about the user of a token", (target) =>
  isNowhere(target, ["/userinfo"], ["userinfo_endpoint"])
)
