/** Issues tokens of a running server, as a client and its user do. */
import * as oauth from "oauth4webapi"
import { Browser } from "../../flow/support/Browser.js"
import * as Cli from "../../support/Cli.js"

export const username = "ada"
export const password = "correct horse battery"

const redirectUri = "https://client.example/callback"

/** Creates the account that logs in below. */
export const createAccount = (server: Cli.Server) =>
  Cli.run(["user", "create", username, "--password-stdin"], { server, stdin: password })

/** An approved grant whose code is not redeemed yet. */
export interface Allowed {
  readonly clientId: string
  /** Whether the user's browser is still logged in and the consent remembered: it gets another code. */
  readonly isLoggedIn: () => Promise<boolean>
  /** The form that redeems the code. */
  readonly redemption: URLSearchParams
  /** Redeems the code. Returns the response of the token endpoint. */
  readonly redeem: () => Promise<Readonly<Record<string, string>>>
}

/** The tokens of a client, and its next requests. */
export interface Issued extends Omit<Allowed, "redeem" | "redemption"> {
  readonly access: string
  readonly refreshToken: string
  /** Uses the refresh token. Returns `false` if it is refused. */
  readonly refresh: () => Promise<boolean>
}

/** Returns an access token of a new client. */
export const accessToken = async (server: Cli.Server, scope: string): Promise<string> =>
  (await issue(server, scope)).access

const poster =
  (server: Cli.Server) =>
  async (path: string, body: string | URLSearchParams, headers: Readonly<Record<string, string>> = {}) =>
    (await (await fetch(`${server.url}${path}`, { method: "POST", body, headers })).json()) as Record<string, string>

/** Registers a client. The user logs in and allows it a scope. */
export const allow = async (server: Cli.Server, scope: string): Promise<Allowed> => {
  const post = poster(server)
  const client = await post(
    "/register",
    JSON.stringify({
      client_name: "Test client",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: "none"
    }),
    { "content-type": "application/json" }
  )
  const clientId = client.client_id ?? ""
  const verifier = oauth.generateRandomCodeVerifier()
  const request = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    resource: `${server.url}/mcp`,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256"
  })
  const browser = new Browser(fetch, server.url)
  const open = () => browser.open(`${server.url}/authorize?${request}`)
  const consent = await browser.submit(await open(), { fields: { username, password } })
  const { html, sentTo } = await browser.submit(consent, { button: "allow" })
  const code = sentTo?.searchParams.get("code")
  if (code === undefined || code === null) throw new Error(`there is no code; the page was\n${html}`)
  const redemption = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: clientId,
    code,
    code_verifier: verifier,
    redirect_uri: redirectUri
  })
  return {
    clientId,
    isLoggedIn: async () => (await open()).sentTo?.searchParams.has("code") ?? false,
    redemption,
    redeem: () => post("/token", redemption)
  }
}

/** Does the same, and redeems the code. */
export const issue = async (server: Cli.Server, scope: string): Promise<Issued> => {
  const post = poster(server)
  const { clientId, isLoggedIn, redeem } = await allow(server, scope)
  const tokens = await redeem()
  if (tokens.access_token === undefined) throw new Error(`there is no access token in ${JSON.stringify(tokens)}`)
  let current = tokens.refresh_token
  const refresh = async () => {
    const body = new URLSearchParams({ grant_type: "refresh_token", client_id: clientId, refresh_token: current ?? "" })
    const { refresh_token } = await post("/token", body)
    current = refresh_token ?? current
    return refresh_token !== undefined
  }
  return { clientId, isLoggedIn, access: tokens.access_token, refreshToken: tokens.refresh_token ?? "", refresh }
}
