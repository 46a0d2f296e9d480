/** A strict OAuth client of another project, over HTTP, with a person at a real browser. */
import * as oauth from "oauth4webapi"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Cli from "../support/Cli.js"
import * as Callback from "./support/Callback.js"
import * as Chromium from "./support/Chromium.js"
import { Person, password, username } from "./support/Person.js"

vi.setConfig({ testTimeout: 120_000 })

describe.runIf(Chromium.executablePath !== undefined)("oauth4webapi", () => {
  let browser: Browser
  let server: Cli.Server
  let callback: Callback.Callback
  const options = { [oauth.allowInsecureRequests]: true }

  beforeAll(async () => {
    ;[browser, server, callback] = await Promise.all([
      Chromium.launch(),
      Cli.startServer({ args: ["--demo"] }),
      Callback.open()
    ])
    await Cli.run(["user", "create", username, "--password-stdin"], { server, stdin: password })
  })
  afterAll(() => Promise.all([browser?.close(), server?.stop(), callback?.close()]))

  const discover = async () =>
    oauth.processDiscoveryResponse(
      new URL(server.url),
      await oauth.discoveryRequest(new URL(server.url), { algorithm: "oauth2", ...options })
    )

  const authorize = async (as: oauth.AuthorizationServer, client: oauth.Client, decision: "allow" | "deny") => {
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const url = new URL(as.authorization_endpoint ?? "")
    url.search = new URLSearchParams({
      response_type: "code",
      client_id: client.client_id,
      redirect_uri: callback.redirectUri,
      scope: "notes:read",
      resource: `${server.url}/mcp`,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256"
    }).toString()
    const who = await Person.at(browser)
    await who.authorize(url, { decision })
    await who.leave()
    return { answer: await callback.next(), state, verifier }
  }

  const register = async (as: oauth.AuthorizationServer, method: string) =>
    oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(
        as,
        {
          redirect_uris: [callback.redirectUri],
          grant_types: ["authorization_code", "refresh_token"],
          token_endpoint_auth_method: method
        },
        options
      )
    )

  it.each(["none", "client_secret_basic", "client_secret_post"] as const)(
    "redeems a code and refreshes, authenticating by %s (RFC 6749 §4.1.3, §6)",
    async (method) => {
      const as = await discover()
      const client = await register(as, method)
      const auth = {
        none: () => oauth.None(),
        client_secret_basic: () => oauth.ClientSecretBasic(String(client.client_secret)),
        client_secret_post: () => oauth.ClientSecretPost(String(client.client_secret))
      }[method]()

      const { answer, state, verifier } = await authorize(as, client, "allow")
      const parameters = oauth.validateAuthResponse(as, client, answer, state)
      const tokens = await oauth.processAuthorizationCodeResponse(
        as,
        client,
        await oauth.authorizationCodeGrantRequest(as, client, auth, parameters, callback.redirectUri, verifier, options)
      )
      expect(tokens).toMatchObject({ token_type: "bearer", scope: "notes:read", expires_in: 600 })

      const refreshed = await oauth.processRefreshTokenResponse(
        as,
        client,
        await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token ?? "", options)
      )
      expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
    }
  )

  it("the client gets access_denied when the user denies (RFC 6749 §4.1.2.1)", async () => {
    const as = await discover()
    const client = await register(as, "none")
    const { answer, state } = await authorize(as, client, "deny")
    expect(() => oauth.validateAuthResponse(as, client, answer, state)).toThrow(oauth.AuthorizationResponseError)
    expect(answer.get("error")).toBe("access_denied")
  })
})
