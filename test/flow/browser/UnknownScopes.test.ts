/** Scope tokens that no resource offers: the server ignores them, and the response names the granted scope (RFC 6749 §3.3). */
import { describe, expect } from "@effect/vitest"
import * as Server from "../support/Server.js"
import { files, notes, outcome, redirectUri, type TestServer, test, tokensOf } from "../support/Server.js"

const twoResources = { settings: { resources: [notes, files] } }

/** The error of an authorization request of a user who is logged in; `undefined` if it leads to the consent page. */
const errorOf = async (server: TestServer, client: Server.Client, parameters: Server.Parameters) => {
  const { page } = await server.toConsent(client, parameters)
  const link = page.document.querySelector("a")?.getAttribute("href") ?? ""
  return page.status === 200 ? undefined : (page.sentTo ?? new URL(link)).searchParams.get("error")
}

describe("at the authorization endpoint", () => {
  test("an authorization request ignores unknown scope tokens if a known one is left", async (server) => {
    for (const [requested, granted] of [
      ["notes:read offline_access", "notes:read"],
      ["openid profile email offline_access notes:read notes:write", "notes:read notes:write"],
      ["notes:write no:such:word", "notes:write"],
      ["mcp:tools notes:read groups", "notes:read"],
      ["NOTES:WRITE notes:read", "notes:read"]
    ]) {
      for (const resource of [Server.resource, undefined]) {
        const tokens = await server.tokens(await server.register(), { scope: requested, resource })
        expect(tokens.scope, requested).toBe(granted)
      }
    }
  })

  test("an authorization request with only unknown tokens asks for the whole scope of the named resource", async (server) => {
    const limited = await server.addClient({
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: "none",
      scope: "notes:read"
    })
    for (const scope of ["openid email profile", "offline_access", "no:such:word"]) {
      expect((await server.tokens(await server.register(), { scope })).scope).toBe("notes:read notes:write")
      expect((await server.tokens(limited, { scope })).scope).toBe("notes:read")
      expect((await server.tokens(limited, { scope, resource: undefined })).scope).toBe("notes:read")
    }
  })

  test("an authorization request with only unknown tokens and no resource is an invalid_scope (RFC 6749 §4.1.2.1)", async (server) => {
    const client = await server.register()
    expect(await errorOf(server, client, { scope: "openid profile email", resource: undefined })).toBe("invalid_scope")
  })

  test("an authorization request for a scope that the client may not have is an invalid_scope", async (server) => {
    const limited = await server.addClient({
      grant_types: ["authorization_code"],
      redirect_uris: [redirectUri],
      scope: "notes:read"
    })
    for (const scope of ["notes:write", "notes:read notes:write", "openid notes:read notes:write"]) {
      expect(await errorOf(server, limited, { scope }), scope).toBe("invalid_scope")
    }
  })

  test(
    "an authorization request for a scope that no user may allow is an invalid_scope",
    async (server) => {
      const client = await server.register()
      for (const scope of ["latchkey:admin", "notes:read latchkey:admin", "openid latchkey:admin"]) {
        for (const resource of [Server.resource, `${Server.issuer}/api`, undefined]) {
          expect(await errorOf(server, client, { scope, resource }), scope).toBe("invalid_scope")
        }
      }
    },
    { api: true }
  )

  test(
    "an authorization request ignores scopes of other resources if one of the named resource is left",
    async (server) => {
      const client = await server.register()
      expect((await server.tokens(client, { scope: "notes:read files:read" })).scope).toBe("notes:read")
      expect(await errorOf(server, client, { scope: "files:read" })).toBe("invalid_scope")
      expect(await errorOf(server, client, { scope: "openid files:read" })).toBe("invalid_scope")
    },
    twoResources
  )

  test("a malformed scope is an invalid_scope", async (server) => {
    const client = await server.register()
    for (const scope of ["notes:read  openid", 'notes:read "openid"', " notes:read"]) {
      expect(await errorOf(server, client, { scope }), scope).toBe("invalid_scope")
    }
  })
})

describe("at a refresh", () => {
  test(
    "a refresh ignores scope tokens that the grant's resources do not offer",
    async (server) => {
      const client = await server.register()
      for (const scope of ["notes:read offline_access", "openid notes:read profile", "notes:read files:read"]) {
        const { refresh_token } = await server.tokens(client, { scope })
        const refreshed = await tokensOf(server.refresh(client, refresh_token, { scope }))
        expect(refreshed.scope, scope).toBe("notes:read")
      }
    },
    twoResources
  )

  test("a refresh for a scope that was not granted, or only for unknown tokens, is an invalid_scope (RFC 6749 §6)", async (server) => {
    const client = await server.register()
    const { refresh_token } = await server.tokens(client, { scope: "notes:read" })
    for (const scope of ["notes:read notes:write", "openid notes:read notes:write", "openid", "NOTES:READ"]) {
      expect(await outcome(server.refresh(client, refresh_token, { scope })), scope).toBe("400 invalid_scope")
    }
  })
})

describe("for client_credentials", () => {
  const ask = (server: TestServer, client: Server.Client, parameters: Server.Parameters) =>
    server.token(client, { grant_type: "client_credentials", ...parameters })

  test("client_credentials ignores unknown scope tokens if a known one is left", async (server) => {
    const client = await server.addClient()
    for (const [scope, granted] of [
      ["notes:read offline_access", "notes:read"],
      ["openid notes:write api://default", "notes:write"]
    ]) {
      expect((await tokensOf(ask(server, client, { scope }))).scope, scope).toBe(granted)
    }
  })

  test(
    "client_credentials ignores a scope of another resource that the client may have",
    async (server) => {
      const scope = "notes:read files:read"
      const both = await server.addClient({ scope })
      const one = await server.addClient({ scope: "files:read" })
      expect((await tokensOf(ask(server, both, { scope, resource: files.uri }))).scope).toBe("files:read")
      expect(await outcome(ask(server, one, { scope, resource: files.uri }))).toBe("400 invalid_scope")
    },
    twoResources
  )

  test("client_credentials for a scope that the client may not have, or only for unknown tokens, is an invalid_scope (RFC 6749 §5.2)", async (server) => {
    const client = await server.addClient({ scope: "notes:read" })
    for (const scope of ["notes:write", "openid notes:read notes:write", "openid", "offline_access profile"]) {
      expect(await outcome(ask(server, client, { scope })), scope).toBe("400 invalid_scope")
    }
  })
})
