/** @node-oauth/oauth2-server on Express, with a model on SQLite. */
import { timingSafeEqual } from "node:crypto"
import * as Path from "node:path"
import OAuth2Server from "@node-oauth/oauth2-server"
import Database from "better-sqlite3"
import express from "express"
import { DATA, PORT, redirectUri, secret, stopAtSignal, tune } from "./serve.mjs"

const { Request, Response } = OAuth2Server

const db = tune(new Database(Path.join(DATA, "oauth.db")))
db.exec(`
  create table clients (id text primary key, json text) without rowid;
  create table access (token text primary key, exp int, scope text, client text, user text) without rowid;
  create table refresh (token text primary key, exp int, scope text, client text, user text) without rowid;
  create table codes (code text primary key, exp int, redirect text, scope text, client text, user text, challenge text,
    method text) without rowid;
`)
const statements = {
  client: db.prepare("select json from clients where id = ?"),
  addClient: db.prepare("insert into clients values (?, ?)"),
  addAccess: db.prepare("insert into access values (?, ?, ?, ?, ?)"),
  addRefresh: db.prepare("insert into refresh values (?, ?, ?, ?, ?)"),
  addCode: db.prepare("insert into codes values (?, ?, ?, ?, ?, ?, ?, ?)"),
  access: db.prepare("select * from access where token = ?"),
  refresh: db.prepare("select * from refresh where token = ?"),
  code: db.prepare("select * from codes where code = ?"),
  deleteRefresh: db.prepare("delete from refresh where token = ?"),
  deleteCode: db.prepare("delete from codes where code = ?")
}
const client = { redirectUris: [redirectUri] }
for (const stored of [
  { ...client, id: "conf", secret, grants: ["client_credentials", "authorization_code", "refresh_token"] },
  { ...client, id: "pub", grants: ["authorization_code", "refresh_token"] }
]) {
  statements.addClient.run(stored.id, JSON.stringify(stored))
}

const findClient = (id) => {
  const row = statements.client.get(id)
  return row && JSON.parse(row.json)
}
const isSame = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

const saveTokens = db.transaction((token, client, user) => {
  const rest = [JSON.stringify(token.scope), client.id, JSON.stringify(user)]
  statements.addAccess.run(token.accessToken, Number(token.accessTokenExpiresAt), ...rest)
  if (token.refreshToken) statements.addRefresh.run(token.refreshToken, Number(token.refreshTokenExpiresAt), ...rest)
})

const model = {
  async getUserFromClient({ id }) {
    return { id: `client:${id}` }
  },
  async validateScope(_user, _client, scope) {
    return scope ?? ["api"]
  },
  async verifyScope() {
    return true
  },
  async getClient(id, given) {
    const found = findClient(id)
    if (!found) return null
    return given && !(found.secret && isSame(found.secret, given)) ? null : found
  },
  async saveToken(token, client, user) {
    saveTokens(token, client, user)
    return { ...token, client, user }
  },
  async getAccessToken(token) {
    const row = statements.access.get(token)
    if (!row) return undefined
    const [scope, user] = [JSON.parse(row.scope), JSON.parse(row.user)]
    return { accessToken: token, accessTokenExpiresAt: new Date(row.exp), scope, client: { id: row.client }, user }
  },
  async getRefreshToken(token) {
    const row = statements.refresh.get(token)
    if (!row) return undefined
    const [scope, user] = [JSON.parse(row.scope), JSON.parse(row.user)]
    return {
      refreshToken: token,
      refreshTokenExpiresAt: new Date(row.exp),
      scope,
      client: findClient(row.client),
      user
    }
  },
  async revokeToken({ refreshToken }) {
    return statements.deleteRefresh.run(refreshToken).changes === 1
  },
  async saveAuthorizationCode(code, client, user) {
    const { authorizationCode, codeChallenge = null, codeChallengeMethod = null, expiresAt, redirectUri, scope } = code
    const [scopes, person] = [JSON.stringify(scope), JSON.stringify(user)]
    const challenge = [codeChallenge, codeChallengeMethod]
    statements.addCode.run(authorizationCode, Number(expiresAt), redirectUri, scopes, client.id, person, ...challenge)
    return { ...code, client, user }
  },
  async getAuthorizationCode(code) {
    const row = statements.code.get(code)
    if (!row) return undefined
    return {
      authorizationCode: code,
      expiresAt: new Date(row.exp),
      redirectUri: row.redirect,
      scope: JSON.parse(row.scope),
      client: findClient(row.client),
      user: JSON.parse(row.user),
      codeChallenge: row.challenge,
      codeChallengeMethod: row.method
    }
  },
  async revokeAuthorizationCode({ authorizationCode }) {
    return statements.deleteCode.run(authorizationCode).changes === 1
  }
}

const oauth = new OAuth2Server({
  model,
  accessTokenLifetime: 3600,
  refreshTokenLifetime: 86_400,
  requireClientAuthentication: { authorization_code: false, refresh_token: false }
})
const handle = (run) => async (request, response) => {
  const answer = new Response(response)
  try {
    await run(new Request(request), answer)
  } catch (error) {
    response.set(answer.headers).status(error.code || 500)
    return response.json({ error: error.name, error_description: error.message })
  }
  const { location, ...headers } = answer.headers
  response.set(headers)
  return answer.status === 302 ? response.redirect(location) : response.status(answer.status).json(answer.body)
}
const authenticateHandler = { handle: () => ({ id: "user-1" }) }

const app = express()
app.post(
  "/token",
  express.urlencoded({ extended: false }),
  handle((request, response) => oauth.token(request, response))
)
app.get(
  "/authorize",
  handle((request, response) => oauth.authorize(request, response, { authenticateHandler }))
)
app.get("/api/plain", (_, response) => response.json({ ok: true }))
app.get("/api/protected", async (request, response) => {
  try {
    await oauth.authenticate(new Request(request), new Response(response))
  } catch (error) {
    return response.status(error.code || 500).json({ error: error.name })
  }
  return response.json({ ok: true })
})
stopAtSignal(app.listen(Number(PORT), "127.0.0.1"), () => db.close())
