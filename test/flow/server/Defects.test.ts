/** Defects of the server or of a layer of the app: the response says little, and the log says everything except secrets. */
import { describe, expect } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import { InvalidGrant, InvalidToken } from "../../../src/domain/OAuthError.js"
import * as GrantTypes from "../../../src/services/GrantTypes.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { TokenVerifier } from "../../../src/services/tokens/TokenVerifier.js"
import type { Page } from "../support/Browser.js"
import { guarded, outcome, test, tokensOf } from "../support/Server.js"
import * as Storage from "../support/Storage.js"

/** A logger that keeps every line with all its fields. */
const keeping = () => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ annotations, cause, message, spans }) => {
    const parts = [
      Inspectable.toStringUnknown(message),
      JSON.stringify(Object.fromEntries(HashMap.toEntries(annotations)), (_, value) =>
        Inspectable.toStringUnknown(value)
      ),
      Cause.isEmpty(cause)
        ? ""
        : `${Cause.pretty(cause, { renderErrorCause: true })} ${Inspectable.toStringUnknown(cause)}`,
      ...Array.from(spans, ({ label }) => label)
    ]
    lines.push(parts.join(" "))
  })
  return { lines, logger }
}

describe("an exception in a layer of the user's", () => {
  const broken = new Set<string>()
  const raise = (name: string) => {
    if (broken.has(name)) throw new Error(`the ${name} of the user's own layer is broken`)
  }
  const unlessBroken = <A, E>(name: string, answer: Effect.Effect<A, E>) =>
    Effect.suspend(() => {
      raise(name)
      return answer
    })
  const storage = Storage.changed(
    Storage.around(ClientStore, ["find"], unlessBroken),
    Storage.around(GrantStore, ["redeem", "rotate", "approve", "findActive"], unlessBroken),
    // Not in an effect, but on the way to one.
    Storage.verbs(AccountStore, ({ findByUsername }) => ({
      findByUsername: (username) => {
        raise("findByUsername")
        return findByUsername(username)
      }
    }))
  )
  const { lines, logger } = keeping()

  /** Expects that an answer says nothing of what happened, and shares with the log the id of the incident. */
  const expectIncident = async (name: string, request: () => Promise<Response | Page>) => {
    broken.add(name)
    lines.length = 0
    const answer = await request()
    broken.delete(name)
    const body = "html" in answer ? answer.html : await answer.text()
    expect(answer.status, name).toBe(500)
    expect(answer.headers.get("cache-control"), name).toBe("no-store")
    expect(answer.headers.has("www-authenticate"), name).toBe(false)
    const [incident = "no incident"] = /\b[0-9a-z]{26}\b/.exec(body) ?? []
    expect(body, name).not.toMatch(/broken|user's own|\bat \/|\.ts\b|node_modules/)
    const told = lines.filter((line) => line.includes(incident) && line.includes("server error"))
    expect(told, name).toHaveLength(1)
    expect(told[0], name).toContain(`the ${name} of the user's own layer is broken`)
    return { answer, body }
  }

  test(
    "a defect in the app's layer becomes a server_error with an id in the log (RFC 6749 §4.1.2.1)",
    async (server) => {
      const client = await server.register()
      const held = await server.code(client)
      for (const verb of ["find", "redeem"]) {
        const { answer, body } = await expectIncident(verb, () => server.redeem(client, held))
        expect(answer.headers.get("content-type")).toBe("application/json")
        expect(JSON.parse(body)).toEqual({ error: "server_error", error_description: expect.any(String) })
      }
      const tokens = await tokensOf(server.redeem(client, held))
      await expectIncident("rotate", () => server.refresh(client, tokens.refresh_token))
      expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("200")
    },
    { storage, logger }
  )

  test(
    "a defect at a guarded route does not refuse the token",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      const { body } = await expectIncident("findActive", () => server.call(access_token))
      expect(JSON.parse(body)).toMatchObject({ error: "server_error" })
      expect(await outcome(server.call(access_token))).toBe("200")
    },
    { storage, logger }
  )

  test(
    "a defect in the app's grant type becomes a server_error (RFC 6749 §4.5)",
    async (server) => {
      const grantType = "urn:example:grant"
      const mine = GrantTypes.layer({
        grantType,
        parameters: Schema.Struct({ resource: Schema.Array(Schema.String) }),
        handle: () =>
          unlessBroken("handle", new InvalidGrant({ reason: "Unknown", description: "there is no such thing" }))
      })
      await server.run(Effect.scoped(Effect.asVoid(Layer.build(mine))))
      const client = await server.register({ grant_types: ["authorization_code", grantType] })
      const ask = () => server.token(client, { grant_type: grantType })
      const { body } = await expectIncident("handle", ask)
      expect(JSON.parse(body)).toEqual({ error: "server_error", error_description: expect.any(String) })
      expect(await outcome(ask())).toBe("400 invalid_grant")
    },
    { logger }
  )

  test(
    "a defect in the app's verifier becomes a server_error and does not refuse the token",
    async (server) => {
      const { body } = await expectIncident("verify", () => server.call("a.token"))
      expect(JSON.parse(body)).toEqual({ error: "server_error", error_description: expect.any(String) })
      expect(await outcome(server.call("a.token"))).toBe("401 invalid_token")
    },
    {
      logger,
      routes: guarded("/notes", { scopes: ["notes:read"] }).pipe(
        Layer.provide(
          Layer.succeed(
            TokenVerifier,
            TokenVerifier.of({
              // Thrown on the way to an effect, as a function of JavaScript would.
              verify: () => {
                raise("verify")
                return new InvalidToken({ reason: "Unknown", description: "there is no such token" })
              }
            })
          )
        )
      )
    }
  )

  test(
    "a defect behind a page becomes an error page",
    async (server) => {
      const client = await server.register()
      const { browser, page, url } = await server.toConsent(client)
      const anonymous = server.browser()
      const loginPage = await anonymous.open(url)
      const requests: ReadonlyArray<readonly [verb: string, request: () => Promise<Page>]> = [
        ["find", () => browser.open(url)],
        ["approve", () => browser.submit(page, { button: "allow" })],
        ["findByUsername", () => server.logIn(anonymous, loginPage)]
      ]
      for (const [verb, request] of requests) {
        const { answer } = await expectIncident(verb, request)
        expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8")
        expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'")
        expect(answer.headers.get("x-frame-options")).toBe("DENY")
      }
      expect((await browser.submit(page, { button: "allow" })).sentTo?.searchParams.has("code")).toBe(true)
    },
    { storage, logger }
  )
})
