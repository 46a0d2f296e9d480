/** oidc-provider, with opaque access tokens. `STORAGE`: `sqlite`, or maps in memory. Login and consent are automatic. */
import { generateKeyPairSync, randomUUID } from "node:crypto"
import * as Http from "node:http"
import { Provider } from "oidc-provider"
import { MapAdapter, sqlite } from "./oidcAdapters.mjs"
import { origin, PORT, redirectUri, secret, stopAtSignal } from "./serve.mjs"

const storage = process.env.STORAGE === "sqlite" ? sqlite() : { Adapter: MapAdapter, close: () => {} }
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
const key = { ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig", kid: "key-1" }
const day = 86_400
const client = { redirect_uris: [redirectUri], response_types: ["code"], scope: "api" }

const provider = new Provider(origin, {
  adapter: storage.Adapter,
  clients: [
    {
      ...client,
      client_id: "conf",
      client_secret: secret,
      grant_types: ["client_credentials", "authorization_code", "refresh_token"],
      token_endpoint_auth_method: "client_secret_basic"
    },
    {
      ...client,
      client_id: "pub",
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: "none"
    }
  ],
  scopes: ["api", "openid"],
  jwks: { keys: [key] },
  clientDefaults: { id_token_signed_response_alg: "ES256" },
  cookies: { keys: ["a-cookie-signing-key"] },
  ttl: {
    AccessToken: 3600,
    ClientCredentials: 3600,
    AuthorizationCode: 60,
    RefreshToken: day,
    Grant: 14 * day,
    Session: 14 * day,
    Interaction: 600,
    IdToken: 3600
  },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (_, client) => client.grantTypeAllowed("refresh_token"),
  expiresWithSession: async () => false,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    registration: { enabled: true }
  },
  interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  findAccount: async (_, sub) => ({ accountId: sub, claims: async () => ({ sub }) })
})

// The guarded route is in the provider's own Koa app, as its documentation mounts further routes.
provider.use(async (context, next) => {
  if (context.path === "/api/plain") {
    context.body = { ok: true }
    return
  }
  if (context.path !== "/api/protected") return next()
  const header = context.get("authorization")
  const text = header.startsWith("Bearer ") ? header.slice(7) : ""
  const token = (await provider.ClientCredentials.find(text)) ?? (await provider.AccessToken.find(text))
  if (!token || token.isExpired) context.status = 401
  else context.body = { ok: true }
})

const interact = async (request, response) => {
  const { params } = await provider.interactionDetails(request, response)
  const accountId = `user-${randomUUID()}`
  const grant = new provider.Grant({ accountId, clientId: params.client_id })
  grant.addOIDCScope("api")
  const grantId = await grant.save()
  await provider.interactionFinished(request, response, { login: { accountId }, consent: { grantId } })
}

const answer = provider.callback()
const server = Http.createServer((request, response) => {
  if (!request.url.startsWith("/interaction/")) return void answer(request, response)
  interact(request, response).catch((error) => response.writeHead(500).end(String(error)))
})
server.listen(Number(PORT), "127.0.0.1")
stopAtSignal(server, storage.close)
