/**
 * `mcpAuthRouter` of the MCP SDK with its demo provider, in memory, without rate limits. The demo has neither refresh nor
 * revocation. `Provider` adds the least that makes the SDK's own endpoints for them work: a map of refresh tokens.
 */
import { randomUUID } from "node:crypto"
import { DemoInMemoryAuthProvider } from "@modelcontextprotocol/sdk/examples/server/demoInMemoryOAuthProvider.js"
import { InvalidGrantError, InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js"
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js"
import { mcpAuthRouter } from "@modelcontextprotocol/sdk/server/auth/router.js"
import express from "express"
import { origin, PORT, redirectUri, secret, stopAtSignal } from "./serve.mjs"

class Provider extends DemoInMemoryAuthProvider {
  refreshTokens = new Map()

  withRefreshToken(tokens, client, scopes, resource) {
    const refreshToken = randomUUID()
    const expiresAt = Date.now() + 86_400_000
    this.refreshTokens.set(refreshToken, { clientId: client.client_id, scopes, resource, expiresAt })
    return { ...tokens, refresh_token: refreshToken }
  }

  async exchangeAuthorizationCode(client, code, verifier) {
    const { params } = this.codes.get(code)
    const tokens = await super.exchangeAuthorizationCode(client, code, verifier)
    return this.withRefreshToken(tokens, client, params.scopes ?? [], params.resource)
  }

  async exchangeRefreshToken(client, refreshToken) {
    const stored = this.refreshTokens.get(refreshToken)
    if (!stored || stored.clientId !== client.client_id || stored.expiresAt < Date.now()) {
      throw new InvalidGrantError("Invalid refresh token")
    }
    this.refreshTokens.delete(refreshToken)
    const { clientId, resource, scopes } = stored
    const token = randomUUID()
    this.tokens.set(token, { token, clientId, scopes, expiresAt: Date.now() + 3_600_000, resource, type: "access" })
    const tokens = { access_token: token, token_type: "bearer", expires_in: 3600, scope: scopes.join(" ") }
    return this.withRefreshToken(tokens, client, scopes, resource)
  }

  async revokeToken(client, { token }) {
    const stored = this.tokens.get(token) ?? this.refreshTokens.get(token)
    if (stored?.clientId !== client.client_id) return
    this.tokens.delete(token)
    this.refreshTokens.delete(token)
  }

  // The SDK answers 500 to the plain Error of the demo.
  async verifyAccessToken(token) {
    try {
      return await super.verifyAccessToken(token)
    } catch {
      throw new InvalidTokenError("Invalid or expired token")
    }
  }
}

const provider = new Provider()
const client = { redirect_uris: [redirectUri] }
await provider.clientsStore.registerClient({ ...client, client_id: "conf", client_secret: secret })
await provider.clientsStore.registerClient({ ...client, client_id: "pub", token_endpoint_auth_method: "none" })

const app = express()
const unlimited = { rateLimit: false }
app.use(
  mcpAuthRouter({
    provider,
    issuerUrl: new URL(origin),
    scopesSupported: ["api"],
    authorizationOptions: unlimited,
    tokenOptions: unlimited,
    revocationOptions: unlimited,
    clientRegistrationOptions: unlimited
  })
)
app.get("/api/plain", (_, response) => response.json({ ok: true }))
app.get("/api/protected", requireBearerAuth({ verifier: provider, requiredScopes: [] }), (_, response) =>
  response.json({ ok: true })
)
// The introspection endpoint of the SDK's demo, which asks for no authentication of the client.
app.post("/introspect", express.urlencoded(), async (request, response) => {
  try {
    const { clientId, expiresAt, resource, scopes } = await provider.verifyAccessToken(request.body.token)
    response.json({ active: true, client_id: clientId, scope: scopes.join(" "), exp: expiresAt, aud: resource })
  } catch {
    response.json({ active: false })
  }
})
stopAtSignal(app.listen(Number(PORT), "127.0.0.1"))
