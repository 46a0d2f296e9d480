/** REG: the redirect URIs that a client may register. */
import { expect } from "vitest"
import { redirectUri } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { accepted, expectRefused } from "./support/Register.js"
import type { Target } from "./support/Target.js"

const { check, control, otherwise } = family()

/** Each URI alone is refused as a redirect URI. */
const expectUriRefused = (target: Target, uris: ReadonlyArray<unknown>) =>
  expectRefused(
    target,
    "invalid_redirect_uri",
    uris.map((uri) => ({ redirect_uris: [uri] }))
  )

otherwise(
  "REG-07",
  "ADR 30: a redirect URI that occurs twice is registered once",
  "the code grant needs a redirect URI, and a list without a usable one is refused",
  async (target) => {
    const lists = [undefined, null, [], redirectUri, {}, [1], [null], [""], [[redirectUri]]]
    await expectRefused(
      target,
      "invalid_redirect_uri",
      lists.map((redirect_uris) => ({ redirect_uris }))
    )
    const { redirect_uris } = await accepted(target, { redirect_uris: [redirectUri, redirectUri] })
    expect(redirect_uris).toEqual([redirectUri])
  }
)

/** Each URI is dropped if another one can be used. */
const expectLeftOut = async (target: Target, uris: ReadonlyArray<string>) => {
  for (const uri of uris) {
    const { redirect_uris } = await accepted(target, { redirect_uris: [uri, redirectUri] })
    expect(redirect_uris, uri).toEqual([redirectUri])
  }
}

check(
  "REG-08",
  "a redirect URI of a scheme that a browser runs, or of http to another host, is refused",
  async (target) => {
    const schemes = [
      "javascript",
      "data",
      "vbscript",
      "file",
      "blob",
      "about",
      "ftp",
      "ws",
      "wss",
      "intent",
      "filesystem"
    ]
    await expectUriRefused(target, [
      ...schemes.flatMap((scheme) => [`${scheme}:alert(1)`, `${scheme}://client.example/`]),
      "JaVaScRiPt:alert(1)",
      " javascript:alert(1)",
      "java\nscript:alert(1)",
      "java\tscript:alert(1)",
      "\u0001javascript:alert(1)",
      "http://evil.example/cb",
      "http://127.0.0.1.evil.example/cb",
      "http://localhost.evil.example/cb",
      "http://0.0.0.0/cb"
    ])
    await expectLeftOut(target, ["javascript:alert(1)", "data:text/html,x", "http://evil.example/cb"])
  }
)

check("REG-09", "a redirect URI is absolute, and has no fragment, user, wildcard or unusual host", async (target) => {
  await expectUriRefused(target, [
    "https://client.example/cb#x",
    "https://client.example/cb#",
    "//client.example/cb",
    "/cb",
    "cb",
    "https://user@client.example/cb",
    "https://user:password@client.example/cb",
    "https://*.client.example/cb",
    "https://client.example/*",
    "https://client.example\\@evil.example/cb",
    "https://client.example/c\tb",
    "https://client.example/cb%00",
    "https://client.example/cb%0d%0aX-Evil:1",
    "https://münchen.example/cb",
    "https://cl\u0456ent.example/cb",
    "https://",
    "https:",
    "https://[fe80::1%25eth0]/cb",
    "https://client.example:99999/cb",
    "https://client.example:-1/cb"
  ])
})

check("REG-10", "a private-use scheme without a dot is refused, unless it is a known app's", async (target) => {
  await expectUriRefused(target, ["myapp:/cb", "myapp://cb", "cursor://cb", "x:y"])
  const uris = ["myapp:/cb", "cursor://cb", "x:y"]
  const { redirect_uris } = await accepted(target, { redirect_uris: uris, token_endpoint_auth_method: "none" })
  expect(redirect_uris).toEqual(["cursor://cb"])
})

control("REG-10", "against a server whose operator names the scheme", {
  settings: { privateUseSchemes: ["myapp", "cursor", "x"] }
})

control("REG-08", "against a server that takes any redirect URI", {
  mutation: {
    request: (request) => ({
      ...request,
      body: request.body.replace(/"redirect_uris":\[.*\]/, '"redirect_uris":["https://client.example/cb"]')
    })
  }
})
