/**
 * The lower bound: the endpoints of an authorization server on bare node:http, written for speed. It keeps what makes the
 * comparison fair (hashed secrets, single use, durable writes, PKCE) and leaves out all else: settings, events, limits, pages.
 *
 * Environment: `PORT`, `DATA` (an empty folder).
 */
import { hash, timingSafeEqual } from "node:crypto"
import * as Http from "node:http"
import { decode, readForm, send } from "./boundHttp.mjs"
import { digest, kinds, newSecret, now, open, Refusal } from "./boundStore.mjs"

/** @typedef {import("./boundHttp.mjs").Form} Form */
/** @typedef {import("./boundHttp.mjs").Answer} Answer */

const { DATA = ".", PORT } = process.env
const issuer = `http://127.0.0.1:${PORT}`
const store = open(DATA)
const redirect = "https://app.example/cb"
store.addClient({ id: "conf", secret: digest("conf-secret-conf-secret-conf-secret"), redirect }, "{}")
store.addClient({ id: "pub", secret: null, redirect }, "{}")

/** Answers after the commit of the write. @param {Http.ServerResponse} response @param {() => Answer} run */
const write = (response, run) => store.write(run, (answer) => send(response, answer))

/** @param {Http.IncomingMessage} request @param {Form} form */
const authenticate = ({ headers }, form) => {
  let { client_id: id = "", client_secret: secret } = form
  if (headers.authorization !== undefined) {
    if (!headers.authorization.startsWith("Basic ")) throw new Refusal(401, "invalid_client")
    const text = Buffer.from(headers.authorization.slice(6), "base64").toString("latin1")
    const colon = text.indexOf(":")
    id = decode(text.slice(0, colon))
    secret = decode(text.slice(colon + 1))
  }
  const client = store.clients.get(id)
  if (client === undefined) throw new Refusal(401, "invalid_client")
  const isRight =
    client.secret === null
      ? secret === undefined
      : secret !== undefined && timingSafeEqual(digest(secret), client.secret)
  if (!isRight) throw new Refusal(401, "invalid_client")
  return client
}

/** @param {string} client @param {number} grant @param {string} scope */
const issueBoth = (client, grant, scope) => {
  const access = store.issue(kinds.access, client, grant, scope, 3600)
  const refresh = store.issue(kinds.refresh, client, grant, scope, 86_400)
  return {
    body: `{"access_token":"${access}","token_type":"Bearer","expires_in":3600,"scope":"${scope}","refresh_token":"${refresh}"}`
  }
}

/** @param {import("./boundStore.mjs").Client} client @param {Form} form @returns {Answer} */
const refresh = (client, form) => {
  const token = store.findToken(form.refresh_token ?? "")
  const isRight = token !== undefined && token.kind === kinds.refresh && token.exp > now()
  if (!isRight || token.client !== client.id) throw new Refusal(400, "invalid_grant")
  if (store.findGrant(token.grant_id)?.revoked !== 0) throw new Refusal(400, "invalid_grant")
  if (!store.spend(token)) {
    store.revokeGrant(token.grant_id)
    throw new Refusal(400, "invalid_grant", true)
  }
  return issueBoth(client.id, token.grant_id, token.scope)
}

/** @param {import("./boundStore.mjs").Client} client @param {Form} form @param {string} challenge @returns {Answer} */
const redeem = (client, form, challenge) => {
  const code = store.spendCode(digest(form.code ?? ""))
  const isRight = code !== undefined && code.client === client.id && code.exp > now() && code.challenge === challenge
  if (!isRight || code.redirect !== form.redirect_uri) throw new Refusal(400, "invalid_grant", true)
  return issueBoth(client.id, store.addGrant(client.id, code.sub, code.scope), code.scope)
}

/** @param {Http.IncomingMessage} request @param {Http.ServerResponse} response @param {string} body */
const token = (request, response, body) => {
  const form = readForm(body)
  const client = authenticate(request, form)
  if (form.grant_type === "client_credentials") {
    if (client.secret === null) throw new Refusal(400, "unauthorized_client")
    write(response, () => {
      const access = store.issue(kinds.access, client.id, 0, "api", 3600)
      return { body: `{"access_token":"${access}","token_type":"Bearer","expires_in":3600,"scope":"api"}` }
    })
  } else if (form.grant_type === "refresh_token") {
    write(response, () => refresh(client, form))
  } else if (form.grant_type === "authorization_code") {
    const { code_verifier: verifier = "" } = form
    if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) throw new Refusal(400, "invalid_grant")
    const challenge = hash("sha256", verifier, "base64url")
    write(response, () => redeem(client, form, challenge))
  } else throw new Refusal(400, "unsupported_grant_type")
}

/** @param {Http.IncomingMessage} request @param {Http.ServerResponse} response @param {string} query */
const authorize = (request, response, query) => {
  const form = readForm(query)
  const client = store.clients.get(form.client_id ?? "")
  if (client === undefined || client.redirect !== form.redirect_uri) throw new Refusal(400, "invalid_request")
  const {
    code_challenge: challenge = "",
    code_challenge_method: method,
    response_type: type,
    scope = "api",
    state = ""
  } = form
  if (type !== "code" || method !== "S256" || !/^[A-Za-z0-9_-]{43}$/.test(challenge)) {
    throw new Refusal(400, "invalid_request")
  }
  const [, key] = /(?:^|; )sid=([A-Za-z0-9_-]{43})/.exec(request.headers.cookie ?? "") ?? []
  const session = key === undefined ? undefined : store.session(digest(key))
  if (session === undefined || session.exp <= now()) throw new Refusal(401, "login_required")
  write(response, () => {
    const code = newSecret()
    const { sub } = session
    store.addCode(digest(code), {
      client: client.id,
      redirect: client.redirect,
      challenge,
      sub,
      scope,
      exp: now() + 60
    })
    const parameters = `code=${code}&state=${encodeURIComponent(state)}&iss=${encodeURIComponent(issuer)}`
    return { location: `${client.redirect}?${parameters}` }
  })
}

/** @param {Http.ServerResponse} response */
const login = (response) => {
  const key = newSecret()
  store.addSession(digest(key), "user-1")
  response.setHeader("Set-Cookie", `sid=${key}; HttpOnly; Path=/`)
  send(response, { body: "{}" })
}

/** @param {Http.IncomingMessage} request @param {Http.ServerResponse} response @param {string} body */
const introspect = (request, response, body) => {
  const form = readForm(body)
  authenticate(request, form)
  const found = store.findValid(form.token ?? "")
  if (found === undefined) return send(response, { body: '{"active":false}' })
  const { token } = found
  const subject = found.subject === undefined ? "" : `,"sub":"${found.subject}"`
  const claims = `"client_id":"${token.client}","scope":"${token.scope}","exp":${token.exp},"token_type":"Bearer"${subject}`
  send(response, { body: `{"active":true,${claims}}` })
}

/** @param {Http.IncomingMessage} request @param {Http.ServerResponse} response @param {string} body */
const revoke = (request, response, body) => {
  const form = readForm(body)
  const client = authenticate(request, form)
  write(response, () => {
    const token = store.findToken(form.token ?? "")
    if (token !== undefined && token.client === client.id) {
      if (token.kind === kinds.refresh) store.revokeGrant(token.grant_id)
      store.revoke(token)
    }
    return {}
  })
}

/** @param {Http.ServerResponse} response @param {string} body */
const register = (response, body) => {
  /** @type {Record<string, unknown>} */
  let request
  try {
    request = JSON.parse(body)
  } catch {
    throw new Refusal(400, "invalid_client_metadata")
  }
  const { client_name, grant_types, redirect_uris: uris, token_endpoint_auth_method: method } = request
  if (!Array.isArray(uris) || uris.some((uri) => typeof uri !== "string" || !URL.canParse(uri))) {
    throw new Refusal(400, "invalid_redirect_uri")
  }
  const [id, secret] = [newSecret(), method === "none" ? undefined : newSecret()]
  const metadata = JSON.stringify({ client_name, redirect_uris: uris, grant_types, token_endpoint_auth_method: method })
  write(response, () => {
    store.addClient({ id, secret: secret === undefined ? null : digest(secret), redirect: uris[0] }, metadata)
    const issued = secret === undefined ? "" : `"client_secret":"${secret}","client_secret_expires_at":0,`
    return { status: 201, body: `{"client_id":"${id}",${issued}"client_id_issued_at":${now()},${metadata.slice(1)}` }
  })
}

const metadata = JSON.stringify({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  introspection_endpoint: `${issuer}/introspect`,
  revocation_endpoint: `${issuer}/revoke`,
  registration_endpoint: `${issuer}/register`,
  response_types_supported: ["code"],
  grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
  code_challenge_methods_supported: ["S256"],
  token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
  authorization_response_iss_parameter_supported: true
})

/** @param {Http.IncomingMessage} request @param {Http.ServerResponse} response */
const guarded = ({ headers }, response) => {
  const { authorization = "" } = headers
  const found = authorization.startsWith("Bearer ") ? store.findValid(authorization.slice(7)) : undefined
  if (found === undefined || found.token.kind !== kinds.access) throw new Refusal(401, "invalid_token")
  send(response, { body: '{"ok":true}' })
}

/** @param {Http.IncomingMessage} request @param {Http.ServerResponse} response @param {string} path @param {string} query */
const answerGet = (request, response, path, query) => {
  if (path === "/api/plain") return send(response, { body: '{"ok":true}' })
  if (path === "/api/protected") return guarded(request, response)
  if (path === "/authorize") return authorize(request, response, query)
  if (path === "/.well-known/oauth-authorization-server") return send(response, { body: metadata })
  if (path === "/login") return login(response)
  throw new Refusal(404, "not_found")
}

/** @param {Http.IncomingMessage} request @param {Http.ServerResponse} response @param {string} path @param {string} body */
const answerPost = (request, response, path, body) => {
  if (path === "/token") return token(request, response, body)
  if (path === "/introspect") return introspect(request, response, body)
  if (path === "/revoke") return revoke(request, response, body)
  if (path === "/register") return register(response, body)
  throw new Refusal(404, "not_found")
}

/** @param {Http.ServerResponse} response @param {() => void} run */
const refusing = (response, run) => {
  try {
    run()
  } catch (error) {
    if (!(error instanceof Refusal)) console.error(error)
    send(response, error instanceof Refusal ? error : new Refusal(500, "server_error"))
  }
}

const server = Http.createServer((request, response) => {
  const { method, url = "/" } = request
  const mark = url.indexOf("?")
  const path = mark < 0 ? url : url.slice(0, mark)
  if (method === "GET") {
    refusing(response, () => answerGet(request, response, path, mark < 0 ? "" : url.slice(mark + 1)))
    return
  }
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (text) => {
    body += text
    if (body.length > 65_536) request.destroy()
  })
  request.on("end", () => refusing(response, () => answerPost(request, response, path, body)))
})
server.listen(Number(PORT), "127.0.0.1")

process.on("SIGTERM", () => {
  server.close()
  server.closeAllConnections()
  store.close()
  process.exit(0)
})
