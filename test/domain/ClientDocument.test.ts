import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import { ClientId } from "../../src/domain/Client.js"
import * as ClientDocument from "../../src/domain/ClientDocument.js"
import { strictPolicy } from "../../src/domain/RedirectUri.js"
import type { RegistrationRules } from "../../src/domain/RequestedMetadata.js"

const id = ClientId.make("https://app.example/client.json")
const rules: RegistrationRules = {
  grantTypes: ["authorization_code", "refresh_token"],
  authMethods: ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
  allowsLoopbackKeys: false,
  policyOf: () => strictPolicy
}
const callback = "https://app.example/callback"
const read = (changes: Readonly<Record<string, unknown>> = {}) =>
  ClientDocument.read(id, { client_id: id, client_name: "App", redirect_uris: [callback], ...changes }, rules)
const metadataOf = (changes: Readonly<Record<string, unknown>> = {}) =>
  Either.match(read(changes), { onLeft: ({ problem }) => problem, onRight: ({ metadata }) => metadata })

describe("ClientDocument", () => {
  it("a document without a method of client authentication is one of a public client", () =>
    expect(metadataOf()).toMatchObject({ token_endpoint_auth_method: "none", redirect_uris: [callback] }))

  it.each([
    ["an unknown member", { device_code_lifetime: 5, "x-vendor": { a: 1 } }],
    [
      "a grant type that is not here",
      { grant_types: ["authorization_code", "urn:ietf:params:oauth:grant-type:jwt-bearer"] }
    ],
    ["a response type that is not here", { response_types: ["code", "id_token"] }],
    ["a logo that cannot be used", { logo_uri: "javascript:alert(1)" }],
    ["a page that cannot be used", { client_uri: 7 }],
    ["members without a value", { client_uri: null, software_id: "" }],
    ["a redirect URI that policy refuses, beside another", { redirect_uris: ["http://app.example/cb", callback] }],
    [
      "a method that needs keys, and keys that cannot be used, beside none",
      {
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
        jwks: { keys: [{ kty: "EC", crv: "P-521", x: "A", y: "A" }] }
      }
    ],
    ["methods that the client also supports", { token_endpoint_auth_methods_supported: ["none", "private_key_jwt"] }],
    [
      "a method of client authentication that needs a secret, beside none",
      {
        token_endpoint_auth_method: "client_secret_basic",
        token_endpoint_auth_methods_supported: ["client_secret_basic", "none"]
      }
    ]
  ])("a document with %s is used", (_, changes) =>
    expect(metadataOf(changes)).toMatchObject({ redirect_uris: [callback], token_endpoint_auth_method: "none" })
  )

  it.each([
    ["another client_id", { client_id: "https://app.example/other.json" }, "WrongClientId"],
    ["no client_id", { client_id: undefined }, "WrongClientId"],
    ["its client_id in another spelling", { client_id: "https://APP.example/client.json" }, "WrongClientId"],
    ["a secret", { client_secret: "s3cret" }, "HoldsSecret"],
    ["the expiry of a secret", { client_secret_expires_at: 0 }, "HoldsSecret"],
    ["only a method that needs a secret", { token_endpoint_auth_method: "client_secret_post" }, "AuthenticationMethod"],
    ["an unknown method alone", { token_endpoint_auth_method: "tls_client_auth" }, "AuthenticationMethod"],
    ["no redirect URI", { redirect_uris: [] }, "RedirectUris"],
    ["only redirect URIs that policy refuses", { redirect_uris: ["http://app.example/cb"] }, "RedirectUris"],
    ["only grant types that were removed", { grant_types: ["implicit"] }, "Metadata"]
  ])("a document with %s is refused", (_, changes, problem) => expect(metadataOf(changes)).toBe(problem))

  it.each([[[]], ["text"], [null], [7]])("the JSON value %j is no document", (json) =>
    expect(Either.getLeft(ClientDocument.read(id, json, rules))).toMatchObject({ value: { problem: "Malformed" } })
  )

  it.each([
    ["application/json", true],
    ["application/json; charset=utf-8", true],
    ["Application/JSON;charset=UTF-8", true],
    ["application/oauth-client+json", true],
    ["application/x.y+json ; a=b", true],
    ["text/html", false],
    ["text/json", false],
    ["application/jsonp", false],
    ["application/+json", false],
    [undefined, false]
  ])("the content type %s is JSON: %s", (type, isJson) => expect(ClientDocument.isJson(type)).toBe(isJson))
})
