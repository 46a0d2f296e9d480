/** RFC 8707: resource indicators. */
import { describe, expect } from "@effect/vitest"
import { files, issuer, notes, outcome, resource, test, tokensOf } from "../flow/support/Server.js"
import { acquainted, apart, json, sentBack } from "./support/Conformance.js"

const both = { settings: { resources: [notes, files] } }
const everything = { scope: "notes:read notes:write files:read", resource: [resource, files.uri] }

apart([
  {
    section: "§2",
    requirement: "the resource of an authorization request may be in a request object",
    how: "not applicable",
    why: "request objects are not taken"
  },
  {
    section: "§2",
    requirement: "a resource may have a query component",
    how: "elsewhere",
    why: "`test/domain/Resource.test.ts`"
  },
  {
    section: "§2.2",
    requirement: "the audience of a JWT access token",
    how: "not applicable",
    why: "access tokens are sealed; introspection returns their audience: `rfc7662.test.ts`"
  },
  {
    section: "§2.2",
    requirement: "a refresh request may name any resource of the grant",
    how: "elsewhere",
    why: "tested here for one of two; `test/flow/oauth/RefreshToken.test.ts` has the rest"
  }
])

describe("RFC 8707", () => {
  test("§2 a resource must be an absolute URI [AUTHZ-37]", async (server) => {
    const { open } = await acquainted(server)
    for (const wrong of ["/notes", "notes", "//127.0.0.1/notes"]) {
      expect(sentBack(await open({ resource: wrong })).error, wrong).toBe("invalid_target")
    }
  })

  test("§2 a resource with a fragment is refused [AUTHZ-37]", async (server) => {
    const { open } = await acquainted(server)
    expect(sentBack(await open({ resource: `${resource}#x` })).error).toBe("invalid_target")
    expect(sentBack(await open({ resource: `${resource}#` })).error).toBe("invalid_target")
  })

  test("§2 an unknown resource gets invalid_target [AUTHZ-37]", async (server) => {
    const { open } = await acquainted(server)
    const others = ["https://other.example/", `${resource}/deeper`, issuer, `${resource}?x=1`]
    for (const other of others) expect(sentBack(await open({ resource: other })).error, other).toBe("invalid_target")
  })

  test(
    "§2 a request may have several resources [AUTHZ-36]",
    async (server) => {
      const { access_token } = await server.tokens(await server.register(), everything)
      for (const uri of [resource, files.uri]) expect((await server.call(access_token, uri)).status, uri).toBe(200)
    },
    both
  )

  test("§2 one unknown resource among several gets invalid_target [AUTHZ-37]", async (server) => {
    const { open } = await acquainted(server)
    expect(sentBack(await open({ resource: [resource, "https://other.example/"] })).error).toBe("invalid_target")
  })

  test("§2 a resource with an upper-case host is the same resource [AUTHZ-36]", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client, { resource: resource.replace("http:", "HTTP:") })
    expect((await server.call(tokens.access_token)).status).toBe(200)
  })

  test("§2.1 the token of a request with a resource is for this resource only [AUTHZ-36, RS-08]", async (server) => {
    const { access_token } = await server.tokens(await server.register(), { resource })
    expect((await server.call(access_token)).status).toBe(200)
  })

  test(
    "§2.1 a token is refused at a resource that was not requested [RS-08]",
    async (server) => {
      const { access_token } = await server.tokens(await server.register(), { resource })
      expect(await outcome(server.call(access_token, files.uri))).toBe("401 invalid_token")
    },
    both
  )

  test(
    "§2.1 a scope that the resource does not offer gets invalid_scope [AUTHZ-34]",
    async (server) => {
      const { open } = await acquainted(server)
      expect(sentBack(await open({ resource, scope: "files:read" })).error).toBe("invalid_scope")
    },
    both
  )

  test("§2.1 a request without a resource gets the default resource [AUTHZ-35]", async (server) => {
    const { access_token } = await server.tokens(await server.register(), { resource: undefined })
    expect((await server.call(access_token)).status).toBe(200)
  })

  test(
    "§2.2 a token request may name some of the resources, and the token is for these [CODE-07]",
    async (server) => {
      const client = await server.register()
      const held = await server.code(client, everything)
      const { access_token } = await tokensOf(server.redeem(client, held, { resource: files.uri }))
      expect((await server.call(access_token, files.uri)).status).toBe(200)
      expect((await server.call(access_token)).status).toBe(401)
    },
    both
  )

  test(
    "§2.2 a token has the scope of its resource only [TOKEN-14]",
    async (server) => {
      const client = await server.register()
      const held = await server.code(client, everything)
      expect(await json(server.redeem(client, held, { resource: files.uri }))).toMatchObject({ scope: "files:read" })
    },
    both
  )

  test(
    "§2.2 a resource that was not granted gets invalid_target, and the code is not spent [CODE-07]",
    async (server) => {
      const client = await server.register()
      const held = await server.code(client)
      expect(await outcome(server.redeem(client, held, { resource: files.uri }))).toBe("400 invalid_target")
      expect(await outcome(server.redeem(client, held, { resource: "https://other.example/" }))).toBe(
        "400 invalid_target"
      )
      expect(await outcome(server.redeem(client, held))).toBe("200")
    },
    both
  )

  test(
    "§2.2 a refresh may narrow the resources of one access token [REFRESH-08]",
    async (server) => {
      const client = await server.register()
      const first = await server.tokens(client, everything)
      const narrow = await tokensOf(server.refresh(client, first.refresh_token, { resource: files.uri }))
      expect((await server.call(narrow.access_token)).status).toBe(401)
      const wide = await tokensOf(server.refresh(client, narrow.refresh_token))
      expect((await server.call(wide.access_token)).status).toBe(200)
    },
    both
  )

  test(
    "§2.2 a refresh cannot widen the resources [REFRESH-08]",
    async (server) => {
      const client = await server.register()
      const { refresh_token } = await server.tokens(client, { resource })
      expect(await outcome(server.refresh(client, refresh_token, { resource: files.uri }))).toBe("400 invalid_target")
      expect(await outcome(server.refresh(client, refresh_token))).toBe("200")
    },
    both
  )

  test(
    "§2.2 a client that acts for itself must name the resource [CC-04]",
    async (server) => {
      const client = await server.addClient()
      const ask = (uri: string) => server.token(client, { grant_type: "client_credentials", resource: uri })
      expect(await outcome(ask(resource))).toBe("200")
      expect(await outcome(ask("https://other.example/"))).toBe("400 invalid_target")
      expect(await outcome(ask(files.uri))).toBe("400 invalid_scope")
    },
    both
  )

  test("§3 the guard checks the audience, so another resource refuses the token [RS-08]", async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    const { access_token } = await server.tokens(client)
    expect((await json(server.ask("/introspect", client, { token: access_token }))).aud).toBe(resource)
  })
})
