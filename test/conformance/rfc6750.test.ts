/** RFC 6750: bearer tokens, and the guard of a resource. */
import { describe, expect } from "@effect/vitest"
import { files, guarded, issuer, notes, outcome, resource, test } from "../flow/support/Server.js"
import { apart, challengeOf, json } from "./support/Conformance.js"

const resourceMetadata = `${issuer}/.well-known/oauth-protected-resource/notes`

apart([
  {
    section: "§2.2",
    requirement: "a token may be sent as a parameter of a form",
    how: "otherwise",
    why: "optional, and not accepted (OAuth 2.1 §5.1): a test shows that it is ignored"
  },
  {
    section: "§2.3",
    requirement: "a token may be sent in the query of a URI",
    how: "otherwise",
    why: "it must not be (OAuth 2.1 §5.1.1): a test shows that it is ignored"
  },
  {
    section: "§3",
    requirement: "the challenge may name a realm",
    how: "otherwise",
    why: "it names `resource_metadata` (RFC 9728 §5.1), which says more"
  },
  {
    section: "§5.3",
    requirement: "clients keep tokens safe, validate certificates, and do not put tokens into URLs",
    how: "not applicable",
    why: "rules for clients"
  },
  {
    section: "§5.3",
    requirement: "bearer tokens are not stored in cookies that are sent in the clear",
    how: "not applicable",
    why: "the server puts no token into a cookie"
  }
])

const withAuthorization = (authorization: string) => ({ headers: { authorization } })

describe("RFC 6750", () => {
  test("§2 a request with two tokens is refused [RS-03]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    const query = `${resource}?access_token=${access_token}`
    expect((await server.send(query)).status).toBe(401)
    const twice = withAuthorization(`Bearer ${access_token}, Bearer ${access_token}`)
    expect(await outcome(server.send(resource, twice))).toBe("400 invalid_request")
  })

  test("§2.1 a token in the Authorization header is accepted [RS-02]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      expect((await server.send(resource, withAuthorization(`${scheme} ${access_token}`))).status, scheme).toBe(200)
    }
  })

  test("§2.1 a token that is no b64token is malformed [RS-03]", async (server) => {
    for (const token of ["", "a b", '"a"', "a,b", "é", "="]) {
      const answer = await server.send(resource, withAuthorization(`Bearer ${token}`))
      expect(answer.status, token).toBe(400)
      expect(challengeOf(answer).error, token).toBe("invalid_request")
    }
  })

  test("§2.2 a token in a form is ignored [RS-05]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    const answer = await server.post(resource, { access_token })
    expect(answer.status).toBe(401)
    expect(challengeOf(answer)).not.toHaveProperty("error")
  })

  test("§2.3 a token in a query is ignored [RS-04]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    const answer = await server.send(`${resource}?access_token=${access_token}`)
    expect(answer.status).toBe(401)
    expect(challengeOf(answer)).not.toHaveProperty("error")
  })

  test("§3 a request without credentials is challenged [RS-01]", async (server) => {
    const answer = await server.call(undefined)
    expect(answer.status).toBe(401)
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer /)
  })

  test("§3 a request with credentials of another scheme is challenged [RS-01]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    for (const authorization of [`Basic ${access_token}`, `DPoP ${access_token}`, access_token, "Bearer"]) {
      const answer = await server.send(resource, withAuthorization(authorization))
      expect([400, 401], authorization).toContain(answer.status)
      expect(answer.headers.get("www-authenticate"), authorization).toMatch(/^Bearer /)
    }
  })

  test("§3 each attribute occurs once in the challenge [PRM-07]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    for (const token of [undefined, "wrong", `${access_token}x`]) {
      const header = (await server.call(token)).headers.get("www-authenticate") ?? ""
      const names = Array.from(header.matchAll(/(\w+)="/g), ([, name]) => name)
      expect(new Set(names).size, header).toBe(names.length)
      expect(names).toContain("resource_metadata")
    }
  })

  test("§3 the scope attribute names the needed scope, and after it that of the token [RS-07]", async (server) => {
    expect(challengeOf(await server.call(undefined)).scope).toBe("notes:read")
    const { access_token } = await server.tokens(await server.register(), { scope: "notes:write" })
    expect(challengeOf(await server.call(access_token)).scope).toBe("notes:read notes:write")
  })

  test("§3 error and error_description have only characters that RFC 6749 §5.2 allows [PRM-07]", async (server) => {
    const { error, error_description } = challengeOf(await server.call("wrong"))
    expect(error).toBe("invalid_token")
    expect(error_description).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
    expect(error_description).not.toMatch(/scope=|error=|resource_metadata=/)
  })

  test("§3.1 the challenge to a request without a token has no error [RS-01]", async (server) => {
    const answer = await server.call(undefined)
    expect(challengeOf(answer)).toEqual({ scope: "notes:read", resource_metadata: resourceMetadata })
    expect(await answer.json()).toEqual({})
  })

  test("§3.1 invalid_request has the status 400 [RS-03]", async (server) => {
    const answer = await server.send(resource, withAuthorization("Bearer a b"))
    expect(await outcome(answer)).toBe("400 invalid_request")
  })

  test("§3.1 a malformed or unknown token gets 401 invalid_token [RS-06, RS-11]", async (server) => {
    const client = await server.register()
    const { refresh_token } = await server.tokens(client)
    for (const token of ["x", "lk_at_x", refresh_token, "eyJhbGciOiJub25lIn0.e30."]) {
      expect(await outcome(server.call(token)), token).toBe("401 invalid_token")
    }
  })

  test("§3.1 an expired token gets 401 invalid_token [RS-06, RS-16]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    await server.advance("599 seconds")
    expect((await server.call(access_token)).status).toBe(200)
    await server.advance("1 second")
    expect(await outcome(server.call(access_token))).toBe("401 invalid_token")
  })

  test("§3.1 a revoked token gets 401 invalid_token [RS-06, REVOKE-08]", async (server) => {
    const client = await server.register()
    const { access_token } = await server.tokens(client)
    await server.ask("/revoke", client, { token: access_token })
    expect(await outcome(server.call(access_token))).toBe("401 invalid_token")
  })

  test("§3.1 a token with too little scope gets 403 insufficient_scope with the needed scope [RS-07]", async (server) => {
    const { access_token } = await server.tokens(await server.register(), { scope: "notes:write" })
    const answer = await server.call(access_token)
    expect(answer.status).toBe(403)
    expect(challengeOf(answer)).toMatchObject({ error: "insufficient_scope", scope: "notes:read notes:write" })
  })

  test(
    "§3.1 the challenge names all scopes of the operation, and not only the missing ones [RS-07]",
    async (server) => {
      const { access_token } = await server.tokens(await server.register(), { scope: "notes:read" })
      const answer = await server.call(access_token)
      expect(answer.status).toBe(403)
      expect(challengeOf(answer).scope).toBe("notes:read notes:write")
    },
    { routes: guarded("/notes", { scopes: ["notes:read", "notes:write"] }) }
  )

  test("§4 an access token response names the type Bearer [TOKEN-10]", async (server) => {
    const client = await server.register()
    expect(await json(server.redeem(client, await server.code(client)))).toMatchObject({ token_type: "Bearer" })
  })

  test(
    "§5.2 a token is refused at another resource [RS-08]",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      expect((await server.call(access_token)).status).toBe(200)
      expect(await outcome(server.call(access_token, files.uri))).toBe("401 invalid_token")
    },
    { settings: { resources: [notes, files] } }
  )

  test("§5.2 a changed token is refused [RS-17]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    for (const at of [10, Math.floor(access_token.length / 2), access_token.length - 2]) {
      const changed = `${access_token.slice(0, at)}${access_token[at] === "A" ? "B" : "A"}${access_token.slice(at + 1)}`
      expect(await outcome(server.call(changed)), String(at)).toBe("401 invalid_token")
    }
  })

  test("§5.3 a token expires after an hour at most", async (server) => {
    expect((await server.tokens(await server.register())).expires_in).toBeLessThanOrEqual(3600)
  })

  test("§5.3 shared caches do not store the response to a token [RS-26]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    const { headers } = await server.call(access_token)
    expect(headers.get("cache-control")).toContain("private")
    expect(headers.get("vary")).toBe("Authorization")
  })
})
