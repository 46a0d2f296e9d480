/** PRM: the metadata of protected resources. */
import { expect } from "vitest"
import { guarded } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { header } from "./support/MutatingProxy.js"
import { notesOf, type Options, start, type Target } from "./support/Target.js"

const { check, control } = family()

const wellKnown = "/.well-known/oauth-protected-resource"

const metadata = async (target: Target, path: string) => {
  const answer = await target.http({ path })
  expect(answer.status, path).toBe(200)
  expect(answer.header("content-type")).toBe("application/json")
  return answer.json()
}

check("PRM-01", "the metadata of a resource are at its path and at the root, and name it exactly", async (target) => {
  for (const path of [`${wellKnown}/notes`, wellKnown]) {
    expect((await metadata(target, path)).resource).toBe(target.resource)
  }
})

check("PRM-02", "the metadata of a resource name the issuer exactly, and no offline_access", async (target) => {
  const document = await metadata(target, wellKnown)
  expect(document.authorization_servers).toEqual([target.issuer])
  expect(document.scopes_supported).toEqual(["notes:read", "notes:write"])
})

check("PRM-03", "a resource takes tokens in the header only, and its metadata have no empty list", async (target) => {
  const bare = await target.another({ resources: (origin) => [{ ...notesOf(origin), scopes: {} }] })
  for (const server of [target, bare]) {
    const document = await metadata(server, wellKnown)
    expect(document.bearer_methods_supported).toEqual(["header"])
    for (const [name, value] of Object.entries(document)) {
      expect(name).not.toMatch(/^dpop_/)
      expect(value === null || (Array.isArray(value) && value.length === 0), name).toBe(false)
    }
  }
  const { access_token } = await target.tokens(await target.register())
  expect((await target.http({ path: `/notes?access_token=${access_token}` })).status).toBe(401)
})

check("PRM-04", "a script of any origin reads the metadata of a resource without credentials", async (target) => {
  const answer = await target.http({ path: `${wellKnown}/notes`, headers: { Origin: "https://app.example" } })
  expect(answer.status).toBe(200)
  expect(answer.all("access-control-allow-origin")).toEqual(["*"])
  expect(answer.all("access-control-allow-credentials")).toEqual([])
  expect(answer.all("set-cookie")).toEqual([])
})

const two: Options = {
  resources: (origin) => [notesOf(origin), { uri: `${origin}/files`, scopes: { "files:read": "Read your files" } }]
}

check("PRM-05", "each resource has metadata of its own, and no other path leads to them", async (target) => {
  const server = await target.another(two)
  for (const path of ["/notes", "/files"]) {
    expect((await metadata(server, wellKnown + path)).resource).toBe(server.origin + path)
  }
  const unknown = [
    "/x",
    "/notes/",
    "/notes/x",
    "/Notes",
    "/../notes",
    "/../x",
    "/%2e%2e/notes",
    "/notes%2f",
    "/notes%00"
  ]
  for (const path of [
    ...unknown,
    "//notes",
    "/notes;x",
    "/files/../notes",
    "/..%2fnotes",
    "notes",
    "/note",
    "/\\notes"
  ]) {
    expect((await server.http({ path: wellKnown + path })).status, path).toBe(404)
  }
})

check("PRM-06", "the challenge of a resource names its metadata by the configured URL", async (target) => {
  for (const headers of [{}, { Host: "evil.example" }, { "X-Forwarded-Host": "evil.example" }]) {
    const answer = await target.http({ path: "/notes", headers })
    expect(answer.status).toBe(401)
    const [, url] = /^Bearer .*resource_metadata="([^"]*)"/.exec(answer.header("www-authenticate") ?? "") ?? []
    expect(url).toBe(`${target.origin}${wellKnown}/notes`)
    expect((await metadata(target, new URL(String(url)).pathname)).resource).toBe(target.resource)
  }
})

check("PRM-07", "quotes, line breaks and other characters of a path do not appear in the challenge", async (target) => {
  for (const path of ['/no"tes', "/no\r\nX-Evil: 1", "/nötes"]) {
    const resources = (origin: string) => [{ ...notesOf(origin), uri: origin + path }]
    // A resource is configured as a URL parser writes it, or not at all.
    await expect(start({ resources })).rejects.toThrow("a resource is")
  }
  const odd = "/no%22%0D%0AX-Evil:%201%C3%B6"
  const server = await target.another({
    resources: (origin) => [{ ...notesOf(origin), uri: origin + odd }],
    routes: (origin) => guarded("/notes", { resource: origin + odd, scopes: ["notes:read"] })
  })
  for (const host of [new URL(server.origin).host, 'x"y', "nötes.example"]) {
    const answer = await server.http({ path: "/notes", headers: { Host: host } })
    expect(answer.status).toBe(401)
    expect(answer.all("x-evil")).toEqual([])
    expect(answer.all("www-authenticate")).toEqual([
      `Bearer scope="notes:read", resource_metadata="${server.origin}${wellKnown}${odd}"`
    ])
  }
})

control("PRM-05", "against a server that resolves dot segments and slashes before it looks for the resource", {
  mutation: {
    request: (request) => ({
      ...request,
      path: request.path.replace(/\/\.\.\/notes$|\/notes%2f$|\/notes\/$/, "/notes")
    })
  }
})

control("PRM-06", "against a server whose challenge is made from the Host header", {
  mutation: {
    answer: (answer, { headers }) => ({
      ...answer,
      headers: answer.headers.map(([name, value]) => [
        name,
        value.replace(/127\.0\.0\.1:\d+/, header(headers, "host") ?? "")
      ])
    })
  }
})

control("PRM-04", "against a server that lets only one origin read the metadata", {
  mutation: {
    answer: (answer) => ({
      ...answer,
      headers: answer.headers.map(([name, value]) => [name, value === "*" ? "https://other.example" : value])
    })
  }
})
