import { describe, expect, it } from "@effect/vitest"
import * as Option from "effect/Option"
import { ClientId } from "../../src/domain/Client.js"
import * as ClientIdUrl from "../../src/domain/ClientIdUrl.js"

const accepts = (id: string, allowLoopback = false) =>
  Option.isSome(ClientIdUrl.parse(ClientId.make(id), allowLoopback))

describe("ClientIdUrl", () => {
  it.each([
    "https://claude.ai/oauth/mcp-oauth-client-metadata",
    "https://chatgpt.com/oauth/client.json",
    "https://app.example:8443/client.json",
    "https://app.example/client.json?version=2",
    "https://xn--mnchen-3ya.example/client"
  ])("%s is the URL of a document", (id) => expect(accepts(id)).toBe(true))

  it.each([
    ["no scheme", "app.example/client.json"],
    ["http", "http://app.example/client.json"],
    ["http on loopback, where the server is not on loopback", "http://127.0.0.1:9000/client.json"],
    ["no path", "https://app.example"],
    ["an empty path", "https://app.example/"],
    ["a fragment", "https://app.example/client.json#one"],
    ["an empty fragment", "https://app.example/client.json#"],
    ["a user", "https://user@app.example/client.json"],
    ["a password", "https://user:pass@app.example/client.json"],
    ["a dot segment", "https://app.example/./client.json"],
    ["two dots", "https://app.example/a/../client.json"],
    ["encoded dots", "https://app.example/a/%2e%2e/client.json"],
    ["upper case in the host", "https://App.example/client.json"],
    ["the default port", "https://app.example:443/client.json"],
    ["a backslash", "https://app.example\\client.json"],
    ["an IPv4 address in another spelling", "https://0x7f.1/client.json"],
    ["another scheme", "ftp://app.example/client.json"]
  ])("a URL with %s is none of a document", (_, id) => expect(accepts(id)).toBe(false))

  it("a server on loopback accepts http on loopback, and nowhere else", () => {
    expect(accepts("http://127.0.0.1:9000/client.json", true)).toBe(true)
    expect(accepts("http://localhost:9000/client.json", true)).toBe(true)
    expect(accepts("http://app.example/client.json", true)).toBe(false)
    expect(accepts("http://10.0.0.1/client.json", true)).toBe(false)
  })
})
