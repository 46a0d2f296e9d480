/** The requests of the bench, and the checks of their answers. Every operation throws if an answer is wrong. */
import { createHash, randomBytes } from "node:crypto"
import { encode, get, location, post } from "./http.mjs"
import { redirectUri } from "./targets.mjs"

/** @typedef {import("./targets.mjs").Target} Target */
/** @typedef {import("./targets.mjs").Client} Client */
/** @typedef {import("./load.mjs").Worker} Worker */
/** @typedef {import("./http.mjs").Connection} Connection */
/** @typedef {import("./http.mjs").Response} Response */

/** Maximum number of redirects from the authorization endpoint to the redirect URI. */
const maxRedirects = 10

/** @param {number} bytes */
export const random = (bytes) => randomBytes(bytes).toString("base64url")

/**
 * @param {string} operation
 * @param {Response} response
 */
export const wrong = (operation, response) =>
  new Error(`${operation}: ${response.head.split("\r\n", 1)[0]} ${location(response) ?? ""} ${response.body}`)

/**
 * @param {string} operation
 * @param {Response} response
 * @returns {Record<string, unknown>}
 */
const readJson = (operation, response) => {
  try {
    return JSON.parse(response.body)
  } catch {
    throw wrong(`${operation} is not JSON`, response)
  }
}

/**
 * How a client authenticates: header lines and parameters (RFC 6749 §2.3.1).
 *
 * @param {Client} client
 * @returns {{ readonly head: string, readonly form: Readonly<Record<string, string>> }}
 */
const authentication = ({ id, method, secret }) => {
  if (secret === undefined) return { head: "", form: { client_id: id } }
  if (method === "post") return { head: "", form: { client_id: id, client_secret: secret } }
  const credentials = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64")
  return { head: `Authorization: Basic ${credentials}\r\n`, form: {} }
}

/**
 * @param {Target} target
 * @param {number} port
 */
export const make = (target, port) => {
  const flowClient = target.public ?? target.confidential
  const flow = authentication(flowClient)
  const confidential = authentication(target.confidential)
  // A token is revoked by the client that it was issued to.
  const revoking = target.tokensBy === "code" ? flow : confidential

  /** The tokens, codes and client ids that were issued since `forget`. @type {Set<string>} */
  const issued = new Set()
  /** @param {string} operation @param {unknown} text @param {Response} response */
  const distinct = (operation, text, response) => {
    if (typeof text !== "string" || text.length < 16) throw wrong(operation, response)
    const end = text.slice(-48)
    if (issued.has(end)) throw new Error(`${operation}: not distinct: ${text}`)
    issued.add(end)
    return text
  }

  /** @param {string} operation @param {Response} response */
  const tokens = (operation, response) => {
    if (response.status !== 200) throw wrong(operation, response)
    const body = readJson(operation, response)
    if (!/^bearer$/i.test(String(body.token_type))) throw wrong(operation, response)
    return { accessToken: distinct(operation, body.access_token, response), refreshToken: body.refresh_token }
  }

  /** @param {ReturnType<typeof authentication>} client @param {Readonly<Record<string, string>>} parameters */
  const tokenRequest = (client, parameters) =>
    post(port, target.token, "form", encode({ ...parameters, ...client.form }), client.head)

  const ccRequest = tokenRequest(confidential, {
    grant_type: "client_credentials",
    scope: target.ccScope ?? target.scope
  })

  /** @param {Connection} connection */
  const clientCredentials = async (connection) =>
    tokens("client_credentials", await connection.request(ccRequest)).accessToken

  /** The path of a new authorization request, and what the client keeps for it. */
  const authorization = () => {
    const [verifier, state] = [random(32), random(12)]
    const challenge = createHash("sha256").update(verifier).digest("base64url")
    const parameters = {
      response_type: "code",
      client_id: flowClient.id,
      redirect_uri: redirectUri,
      scope: target.scope
    }
    const pkce = { state, code_challenge: challenge, code_challenge_method: "S256" }
    return { path: `${target.authorize.path}?${encode({ ...parameters, ...pkce })}`, state, verifier }
  }

  /**
   * The session and the consent of the user exist, so the answer is a redirect with a code.
   *
   * @param {Worker} worker
   */
  const code = async ({ connection, cookies }) => {
    const { path, state, verifier } = authorization()
    let next = path
    for (let redirects = 0; redirects < maxRedirects; redirects++) {
      const response = await connection.request(get(port, next, cookies.header()))
      cookies.store(response)
      const to = location(response)
      if (to === undefined) throw wrong("authorize", response)
      const url = new URL(to, `http://127.0.0.1:${port}${next}`)
      if (to.startsWith(redirectUri)) {
        if (url.searchParams.get("state") !== state) throw wrong("authorize: state", response)
        return { code: distinct("authorize", url.searchParams.get("code"), response), verifier }
      }
      if (url.port !== String(port)) throw wrong("authorize: other server", response)
      next = url.pathname + url.search
    }
    throw new Error(`authorize: more than ${maxRedirects} redirects, the last to ${next}`)
  }

  /** @param {Worker} worker */
  const codeFlow = async (worker) => {
    const { code: text, verifier } = await code(worker)
    const parameters = {
      grant_type: "authorization_code",
      code: text,
      redirect_uri: redirectUri,
      code_verifier: verifier
    }
    const answer = tokens("code", await worker.connection.request(tokenRequest(flow, parameters)))
    if (typeof answer.refreshToken === "string") worker.refreshToken = answer.refreshToken
    return answer.accessToken
  }

  /** @param {Worker} worker @param {string} token */
  const sendRefresh = ({ connection }, token) =>
    connection.request(tokenRequest(flow, { grant_type: "refresh_token", refresh_token: token }))

  /** @param {Worker} worker */
  const refresh = async (worker) => {
    const response = await sendRefresh(worker, worker.refreshToken)
    const { accessToken, refreshToken } = tokens("refresh", response)
    if (typeof refreshToken !== "string" || refreshToken === worker.refreshToken) throw wrong("refresh", response)
    worker.refreshToken = refreshToken
    return accessToken
  }

  /**
   * Checks that a spent token is refused. The server may revoke the grant for it. A server that keeps the previous token valid
   * must refuse the one before it.
   *
   * @param {Worker} worker
   */
  const checkSpentToken = async (worker) => {
    await codeFlow(worker)
    const spent = worker.refreshToken
    await refresh(worker)
    if (target.keepsPreviousToken) await refresh(worker)
    const response = await sendRefresh(worker, spent)
    if (response.status !== 400 && response.status !== 401) throw wrong("a spent refresh token is accepted", response)
  }

  /** @param {Connection} connection @param {string} token */
  const introspect = async (connection, token) => {
    const body = encode({ token, ...confidential.form })
    const response = await connection.request(post(port, target.introspect, "form", body, confidential.head))
    if (response.status !== 200) throw wrong("introspect", response)
    return readJson("introspect", response).active
  }

  /** @param {Connection} connection @param {string} token */
  const revoke = async (connection, token) => {
    const body = encode({ token, ...revoking.form })
    const response = await connection.request(post(port, target.revoke, "form", body, revoking.head))
    if (response.status !== 200 && response.status !== 204) throw wrong("revoke", response)
  }

  let registrations = 0
  /** @param {Connection} connection */
  const register = async (connection) => {
    const number = registrations++
    const body = JSON.stringify({
      client_name: `bench ${number}`,
      redirect_uris: [`${redirectUri}/${number}`],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_basic",
      ...target.registration
    })
    const response = await connection.request(post(port, target.register, "json", body))
    if (response.status !== 201 && response.status !== 200) throw wrong("register", response)
    distinct("register", readJson("register", response).client_id, response)
  }

  /** @param {Connection} connection @param {string} path @param {string} [token] */
  const call = (connection, path, token) =>
    connection.request(get(port, path, token === undefined ? "" : `Authorization: Bearer ${token}\r\n`))

  /** Calls a route of the API, which must answer. @param {Connection} connection @param {string} path @param {string} [token] */
  const callApi = async (connection, path, token) => {
    const response = await call(connection, path, token)
    if (response.status !== 200 || !response.body.includes('"ok":true')) throw wrong(`GET ${path}`, response)
  }

  /** Calls a guarded route, which must refuse the token. @param {Connection} connection @param {string} path @param {string} [token] */
  const callRefused = async (connection, path, token) => {
    const response = await call(connection, path, token)
    if (![400, 401, 403].includes(response.status)) throw wrong(`GET ${path} with an invalid token`, response)
  }

  const metadataRequest = get(port, target.metadata)
  /** Returns the metadata as text. @param {Connection} connection */
  const metadata = async (connection) => {
    const response = await connection.request(metadataRequest)
    if (response.status !== 200) throw wrong("metadata", response)
    return response.body
  }

  return {
    authorization,
    callApi,
    callRefused,
    checkSpentToken,
    clientCredentials,
    codeFlow,
    forget: () => issued.clear(),
    introspect,
    metadata,
    refresh,
    register,
    revoke
  }
}

/** @typedef {ReturnType<typeof make>} OAuthClient */
