/** The built server, driven by two OAuth clients that were not written here: oauth4webapi and openid-client. */
import * as oauth from "oauth4webapi"
import * as openid from "openid-client"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { createAccount, password, username } from "../cli/support/Tokens.js"
import { Browser } from "../flow/support/Browser.js"
import * as Cli from "../support/Cli.js"

vi.setConfig({ testTimeout: 120_000 })

const redirectUri = "https://client.example/callback"
const insecure = { [oauth.allowInsecureRequests]: true }

/** A client that the operator made, and what it authenticates with. */
interface Credentials {
  readonly id: string
  readonly secret: string
}

type Method = "client_secret_basic" | "client_secret_post"
const methods: ReadonlyArray<Method> = ["client_secret_basic", "client_secret_post"]

let server: Cli.Server
let resourceServer: Credentials

beforeAll(async () => {
  server = await Cli.startServer({ args: ["--demo"] })
  await createAccount(server)
  const made = await Cli.run(
    [
      ...["resource", "create", "https://files.example/", "--scope", "files=See your files"],
      ...["--introspects", "--json"]
    ],
    { server }
  )
  const { introspection_id: id, introspection_secret: secret } = JSON.parse(made.stdout)
  resourceServer = { id, secret }
  // A running server sees in a moment what the operator changed.
  await vi.waitFor(async () => {
    expect((await metadata()).scopes_supported).toContain("files")
  })
})
afterAll(() => server?.stop())

const metadata = async (): Promise<oauth.AuthorizationServer> => {
  const url = new URL(server.url)
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm: "oauth2", ...insecure }))
}

/** A person logs in and allows what stands at the URL; where the browser is sent then. */
const allow = async (url: URL): Promise<URL> => {
  const browser = new Browser(fetch, server.url)
  const consent = await browser.submit(await browser.open(url), { fields: { username, password } })
  const { html, sentTo } = await browser.submit(consent, { button: "allow" })
  if (sentTo === undefined) throw new Error(`nobody was sent back:\n${html}`)
  return sentTo
}

/** A program of the operator's, which acts for itself. */
const machine = async (method: Method): Promise<Credentials> => {
  const { stderr, stdout } = await Cli.run(
    [
      ...["client", "create", "--name", "Nightly job", "--grant", "client_credentials", "--scope", "notes:read"],
      ...["--confidential", "--auth-method", method, "--json"]
    ],
    { server }
  )
  if (stdout === "") throw new Error(stderr)
  const { client_id: id, client_secret: secret } = JSON.parse(stdout)
  return { id, secret }
}

describe("oauth4webapi", () => {
  const authOf = (method: Method, secret: string) =>
    method === "client_secret_basic" ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret)

  const register = async (as: oauth.AuthorizationServer, method: Method) => {
    const own = {
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: method
    }
    const client = await oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(as, own, insecure)
    )
    return { client, auth: authOf(method, String(client.client_secret)) }
  }

  const tokens = async (
    as: oauth.AuthorizationServer,
    client: oauth.Client,
    auth: oauth.ClientAuth,
    request = { scope: "notes:read", resource: `${server.url}/mcp` }
  ) => {
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const url = new URL(as.authorization_endpoint ?? "")
    url.search = new URLSearchParams({
      response_type: "code",
      client_id: client.client_id,
      redirect_uri: redirectUri,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...request
    }).toString()
    const parameters = oauth.validateAuthResponse(as, client, await allow(url), state)
    return oauth.processAuthorizationCodeResponse(
      as,
      client,
      await oauth.authorizationCodeGrantRequest(as, client, auth, parameters, redirectUri, verifier, insecure)
    )
  }

  const introspect = async (
    as: oauth.AuthorizationServer,
    client: oauth.Client,
    auth: oauth.ClientAuth,
    token: string
  ) =>
    oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token, insecure))

  it.each(methods)("a client that authenticates by %s gets a token for itself (RFC 6749 §4.4)", async (method) => {
    const as = await metadata()
    const { id, secret } = await machine(method)
    const client = { client_id: id }
    const answer = await oauth.clientCredentialsGrantRequest(as, client, authOf(method, secret), {}, insecure)
    const issued = await oauth.processClientCredentialsResponse(as, client, answer)
    expect(issued).toMatchObject({ token_type: "bearer", scope: "notes:read" })
    expect(issued).not.toHaveProperty("refresh_token")
  })

  it.each(methods)("a wrong secret by %s gets invalid_client (RFC 6749 §5.2)", async (method) => {
    const as = await metadata()
    const client = { client_id: (await machine(method)).id }
    const wrong = authOf(method, "wrong")
    const answer = await oauth.clientCredentialsGrantRequest(as, client, wrong, {}, insecure)
    // It looks for a challenge before it looks for an error.
    const failure = await oauth.processClientCredentialsResponse(as, client, answer).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(oauth.WWWAuthenticateChallengeError)
    expect(failure).toMatchObject({ status: 401, cause: [{ scheme: "basic" }] })
    const revocation = await oauth.revocationRequest(as, client, wrong, "x", insecure)
    await expect(oauth.processRevocationResponse(revocation)).rejects.toBeInstanceOf(
      oauth.WWWAuthenticateChallengeError
    )
    await expect(introspect(as, client, wrong, "x")).rejects.toBeInstanceOf(oauth.WWWAuthenticateChallengeError)
  })

  it("a client introspects and revokes its access token (RFC 7662 §2.2, RFC 7009 §2.1)", async () => {
    const as = await metadata()
    const { auth, client } = await register(as, "client_secret_basic")
    const { access_token } = await tokens(as, client, auth)
    expect(await introspect(as, client, auth, access_token)).toMatchObject({
      active: true,
      client_id: client.client_id,
      aud: `${server.url}/mcp`,
      scope: "notes:read"
    })
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, access_token, insecure))
    expect(await introspect(as, client, auth, access_token)).toEqual({ active: false })
  })

  it("a client revokes its refresh token and its grant (RFC 7009 §2.1)", async () => {
    const as = await metadata()
    const { auth, client } = await register(as, "client_secret_post")
    const { access_token, refresh_token = "" } = await tokens(as, client, auth)
    expect(await introspect(as, client, auth, refresh_token)).toMatchObject({ active: true })
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, refresh_token, insecure))
    for (const token of [access_token, refresh_token]) {
      expect(await introspect(as, client, auth, token)).toEqual({ active: false })
    }
    const answer = await oauth.refreshTokenGrantRequest(as, client, auth, refresh_token, insecure)
    await expect(oauth.processRefreshTokenResponse(as, client, answer)).rejects.toMatchObject({
      error: "invalid_grant"
    })
  })

  it("a resource server gets claims only of tokens for its resource (RFC 7662 §4)", async () => {
    const as = await metadata()
    const { auth, client } = await register(as, "client_secret_basic")
    const here = await tokens(as, client, auth, { scope: "files", resource: "https://files.example/" })
    const elsewhere = await tokens(as, client, auth)
    const asker = { client_id: resourceServer.id }
    const asks = (token: string) => introspect(as, asker, oauth.ClientSecretBasic(resourceServer.secret), token)
    expect(await asks(here.access_token)).toMatchObject({ active: true, scope: "files", aud: "https://files.example/" })
    expect(await asks(elsewhere.access_token)).toEqual({ active: false })
  })
})

describe("openid-client", () => {
  const options = { algorithm: "oauth2" as const, execute: [openid.allowInsecureRequests] }

  const authOf = (method: Method, secret: string) =>
    method === "client_secret_basic" ? openid.ClientSecretBasic(secret) : openid.ClientSecretPost(secret)

  const discover = ({ id, secret }: Credentials, method: Method = "client_secret_basic") =>
    openid.discovery(new URL(server.url), id, {}, authOf(method, secret), options)

  /** Without more said, openid-client sends the secret in the body, and so it has to register. */
  const register = () =>
    openid.dynamicClientRegistration(
      new URL(server.url),
      {
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        token_endpoint_auth_method: "client_secret_post"
      },
      undefined,
      options
    )

  const tokens = async (config: openid.Configuration) => {
    const pkceCodeVerifier = openid.randomPKCECodeVerifier()
    const expectedState = openid.randomState()
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: "notes:read",
      resource: `${server.url}/mcp`,
      state: expectedState,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256"
    })
    return openid.authorizationCodeGrant(config, await allow(url), { pkceCodeVerifier, expectedState })
  }

  it("a client discovers the server, redeems a code and refreshes (RFC 8414 §3, RFC 6749 §4.1, §6)", async () => {
    const config = await register()
    expect(config.serverMetadata()).toMatchObject({ issuer: server.url, token_endpoint: `${server.url}/token` })
    const first = await tokens(config)
    expect(first).toMatchObject({ token_type: "bearer", scope: "notes:read", expires_in: 600 })
    const second = await openid.refreshTokenGrant(config, first.refresh_token ?? "")
    expect(second.refresh_token).not.toBe(first.refresh_token)
  })

  it.each(methods)("a client that authenticates by %s gets a token for itself (RFC 6749 §4.4)", async (method) => {
    const issued = await openid.clientCredentialsGrant(await discover(await machine(method), method))
    expect(issued).toMatchObject({ token_type: "bearer", scope: "notes:read" })
  })

  it.each(methods)("a wrong secret by %s gets invalid_client (RFC 6749 §5.2)", async (method) => {
    const config = await discover({ ...(await machine(method)), secret: "wrong" }, method)
    for (const request of [
      () => openid.clientCredentialsGrant(config),
      () => openid.tokenRevocation(config, "x"),
      () => openid.tokenIntrospection(config, "x")
    ]) {
      await expect(request()).rejects.toMatchObject({ status: 401 })
    }
  })

  it("a client introspects and revokes its access token (RFC 7662 §2.2, RFC 7009 §2.1)", async () => {
    const config = await register()
    const { access_token } = await tokens(config)
    expect(await openid.tokenIntrospection(config, access_token)).toMatchObject({ active: true, scope: "notes:read" })
    await openid.tokenRevocation(config, access_token)
    expect(await openid.tokenIntrospection(config, access_token)).toEqual({ active: false })
  })

  it("a client revokes its refresh token and its grant (RFC 7009 §2.1)", async () => {
    const config = await register()
    const { access_token, refresh_token = "" } = await tokens(config)
    await openid.tokenRevocation(config, refresh_token)
    expect(await openid.tokenIntrospection(config, access_token)).toEqual({ active: false })
    await expect(openid.refreshTokenGrant(config, refresh_token)).rejects.toMatchObject({ error: "invalid_grant" })
  })

  it("a resource server gets no claims of tokens for another resource (RFC 7662 §4)", async () => {
    const { access_token } = await tokens(await register())
    expect(await openid.tokenIntrospection(await discover(resourceServer), access_token)).toEqual({ active: false })
  })
})
