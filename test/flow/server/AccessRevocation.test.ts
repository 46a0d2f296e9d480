/** What is taken away ends at once, for everything that was issued, and does not come back. */
import { describe, expect } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { vi } from "vitest"
import { Username } from "../../../src/domain/Account.js"
import { ClientId } from "../../../src/domain/Client.js"
import type { GrantId } from "../../../src/domain/Grant.js"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import { ClientRegistration } from "../../../src/services/clients/ClientRegistration.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { TakingAway } from "../../../src/services/TakingAway.js"
import { emptyFilters } from "../../../src/testing/contracts/fixtures.js"
import type { Browser, Page } from "../support/Browser.js"
import { type Client, consentHeading, outcome, password, type TestServer, test, tokensOf } from "../support/Server.js"
import * as Storage from "../support/Storage.js"

const newPassword = "another good password"

const headingOf = (page: Page) => `${page.status} ${page.document.querySelector("h1")?.text}`
const consent = `200 ${consentHeading}`
const login = "200 Log in"
const refused = "400 This request cannot be answered"

const subjectOf = (server: TestServer, name = "ada") =>
  server.run(
    Effect.gen(function* () {
      const account = yield* (yield* AccountStore).findByUsername(yield* Schema.decode(Username)(name))
      return Option.getOrThrow(account).id
    })
  )

type Service = typeof TakingAway.Service

const take = <A, E>(server: TestServer, what: (service: Service) => Effect.Effect<A, E>) =>
  server.run(Effect.flatMap(TakingAway, what))

const idOf = (client: Client) => ClientId.make(client.client_id)

const confidential = { token_endpoint_auth_method: "client_secret_basic" }

/** Everything that a person and a client can hold. */
const holdings = async (server: TestServer, client: Client, username = "ada") => {
  const browser = server.browser()
  const approve = async () => {
    const { url, verifier } = await server.request(client, { prompt: "consent" })
    const page = await browser.open(url)
    const { sentTo } = await browser.submit(
      headingOf(page) === login ? await server.logIn(browser, page, username) : page,
      {
        button: "allow"
      }
    )
    return { code: sentTo?.searchParams.get("code") ?? "", verifier }
  }
  const tokens = await tokensOf(server.redeem(client, await approve()))
  return { browser, tokens, code: await approve() }
}
type Holdings = Awaited<ReturnType<typeof holdings>>

/** What the session leads to, and what the access token, the refresh token and the code are answered. */
const state = async (server: TestServer, client: Client, { browser, code, tokens }: Holdings) => [
  headingOf(await (browser as Browser).open((await server.request(client, { prompt: "consent" })).url)),
  await outcome(server.call(tokens.access_token)),
  await outcome(server.refresh(client, tokens.refresh_token)),
  await outcome(server.redeem(client, code))
]

const alive = [consent, "200", "200", "200"]
const noGrant = "400 invalid_grant"
const noClient = "401 invalid_client"
const personGone = [login, "401 invalid_token", noGrant, noGrant]
const clientGone = [refused, "401 invalid_token", noClient, noClient]

const logIn = async (server: TestServer, client: Client, itsPassword: string) => {
  const browser = server.browser()
  const page = await browser.open((await server.request(client, { prompt: "consent" })).url)
  return browser.submit(page, { fields: { username: "ada", password: itsPassword } })
}

/** Does something to ada, and says what is left of what she has and of what bob has. */
const ofPerson = async (server: TestServer, client: Client, what: (service: Service, id: Subject) => Found) => {
  await server.addAccount("bob")
  const [hers, his] = [await holdings(server, client), await holdings(server, client, "bob")]
  const id = await subjectOf(server)
  expect(await take(server, (service) => what(service, id))).toBe(true)
  return { id, hers, after: await state(server, client, hers), others: await state(server, client, his) }
}
type Subject = Awaited<ReturnType<typeof subjectOf>>
type Found = ReturnType<Service["disableAccount"]>

/** Does something to a client, and says what is left of what it has and of what another client has. */
const ofClient = async (server: TestServer, what: (service: Service, id: ClientId) => Found) => {
  const [client, other] = [await server.register(confidential), await server.register(confidential)]
  const [its, others] = [await holdings(server, client), await holdings(server, other)]
  expect(await take(server, (service) => what(service, idOf(client)))).toBe(true)
  return { client, its, after: await state(server, client, its), others: await state(server, other, others) }
}

describe("a person", () => {
  test("who is disabled loses every session, token and code, and nobody else does", async (server) => {
    const client = await server.register()
    const { after, hers, others } = await ofPerson(server, client, (service, id) => service.disableAccount(id))
    expect(after).toEqual(personGone)
    expect(others).toEqual(alive)
    expect(await server.grant(hers.tokens.refresh_token)).toMatchObject({ _tag: "Revoked", reason: "SubjectRevoked" })
  })

  test("who is deleted loses every session, token and code, and nobody else does", async (server) => {
    const client = await server.register()
    const { after, others } = await ofPerson(server, client, (service, id) => service.removeAccount(id))
    expect(after).toEqual(personGone)
    expect(others).toEqual(alive)
  })

  test("who gets a new password loses every session, token and code, and nobody else does", async (server) => {
    const client = await server.register()
    const change = (service: Service, id: Subject) => service.setPassword(id, Redacted.make(newPassword))
    const { after, others } = await ofPerson(server, client, change)
    expect(after).toEqual(personGone)
    expect(others).toEqual(alive)
    expect(headingOf(await logIn(server, client, password))).toBe("403 Log in")
    expect(headingOf(await logIn(server, client, newPassword))).toBe(consent)
  })

  test("who is disabled or deleted cannot log in: the answer is that of a wrong password", async (server) => {
    const client = await server.register()
    const id = await subjectOf(server)
    const text = ({ html }: Page) => html.replaceAll(/ value="[^"]*"/g, "")
    const wrong = await logIn(server, client, newPassword)
    await take(server, (service) => service.disableAccount(id))
    const disabled = await logIn(server, client, password)
    await take(server, (service) => service.removeAccount(id))
    const deleted = await logIn(server, client, password)
    for (const page of [disabled, deleted]) {
      expect(headingOf(page)).toBe("403 Log in")
      expect(text(page)).toBe(text(wrong))
      expect(page.headers.getSetCookie()).toEqual([])
    }
  })

  test("who is enabled again logs in anew, and nothing of before comes back", async (server) => {
    const client = await server.register()
    const { hers, id } = await ofPerson(server, client, (service, id) => service.disableAccount(id))
    expect(await take(server, (service) => service.enableAccount(id))).toBe(true)
    expect(await state(server, client, hers)).toEqual(personGone)
    expect(await state(server, client, await holdings(server, client))).toEqual(alive)
  })

  test("who was deleted leaves nothing to one of the same name", async (server) => {
    const client = await server.register()
    const { hers } = await ofPerson(server, client, (service, id) => service.removeAccount(id))
    await server.addAccount("ada")
    expect(await state(server, client, hers)).toEqual(personGone)
    expect(await state(server, client, await holdings(server, client))).toEqual(alive)
  })

  test("who is disabled allows nothing on a page that was open before", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    const id = await subjectOf(server)
    await take(server, (service) => service.disableAccount(id))
    const after = await browser.submit(page, { button: "allow" })
    expect(after.sentTo).toBe(undefined)
    expect(headingOf(after)).toBe(login)
  })
})

describe("a client", () => {
  const gate = Effect.unsafeMakeLatch(true)
  test(
    "that is disabled loses every grant also where whoever asked for it has gone in the middle",
    async (server) => {
      const client = await server.register()
      const { tokens } = await holdings(server, client)
      gate.unsafeClose()
      await take(server, (service) =>
        Effect.timeoutOption(service.disableClient(idOf(client)), "200 millis").pipe(Effect.withClock(Clock.make()))
      )
      expect(await server.grant(tokens.refresh_token)).toMatchObject({ _tag: "Active" })
      expect((await server.call(tokens.access_token)).status).toBe(401)
      gate.unsafeOpen()
      await vi.waitFor(async () =>
        expect(await server.grant(tokens.refresh_token)).toMatchObject({ _tag: "Revoked", reason: "ClientRevoked" })
      )
    },
    {
      storage: Storage.changed(
        Storage.around(GrantStore, ["revokeAll"], (_, answer) => Effect.zipRight(gate.await, answer))
      )
    }
  )

  test("that is disabled loses every token and code, and no other does", async (server) => {
    const { after, its, others } = await ofClient(server, (service, id) => service.disableClient(id))
    expect(after).toEqual(clientGone)
    expect(others).toEqual(alive)
    expect(await server.grant(its.tokens.refresh_token)).toMatchObject({ _tag: "Revoked", reason: "ClientRevoked" })
  })

  test("that is deleted loses every token and code, and no other does", async (server) => {
    const { after, others } = await ofClient(server, (service, id) => service.removeClient(id))
    expect(after).toEqual(clientGone)
    expect(others).toEqual(alive)
  })

  test("that gets a new secret loses every token and code, and the old secret", async (server) => {
    const [client, other] = [await server.register(confidential), await server.register(confidential)]
    const [its, others] = [await holdings(server, client), await holdings(server, other)]
    const secret = Option.getOrThrow(await take(server, (service) => service.rotateSecret(idOf(client))))
    expect(await state(server, client, its)).toEqual([consent, "401 invalid_token", noClient, noClient])
    const renewed = { ...client, client_secret: Redacted.value(secret) }
    expect(await state(server, renewed, its)).toEqual([consent, "401 invalid_token", noGrant, noGrant])
    expect(await state(server, renewed, await holdings(server, renewed))).toEqual(alive)
    expect(await state(server, other, others)).toEqual(alive)
  })

  test("that is disabled or deleted is told nothing: the person sees a page of ours", async (server) => {
    const client = await server.register()
    const { browser, page, url } = await server.toConsent(client)
    for (const what of ["disableClient", "removeClient"] as const) {
      await take(server, (service) => service[what](idOf(client)))
      for (const answer of [
        await browser.open(url),
        await server.browser().open(url),
        await browser.submit(page, { button: "allow" }),
        await browser.submit(page, { button: "deny" })
      ]) {
        expect(headingOf(answer), what).toBe(refused)
        expect(answer.sentTo, what).toBe(undefined)
      }
    }
  })

  test("that is enabled again authenticates, and nothing of before comes back", async (server) => {
    const { client, its } = await ofClient(server, (service, id) => service.disableClient(id))
    expect(await take(server, (service) => service.enableClient(idOf(client)))).toBe(true)
    expect(await state(server, client, its)).toEqual([consent, "401 invalid_token", noGrant, noGrant])
    expect(await state(server, client, await holdings(server, client))).toEqual(alive)
  })

  test("is found or not: what there is not cannot be taken away", async (server) => {
    const id = ClientId.make("0".repeat(26))
    for (const what of ["disableClient", "enableClient", "removeClient"] as const) {
      expect(await take(server, (service) => service[what](id)), what).toBe(false)
    }
    expect(await take(server, (service) => service.rotateSecret(id))).toEqual(Option.none())
  })
})

describe("a revocation that breaks off", () => {
  let isBroken = false
  const breaking = {
    storage: Storage.changed(
      Storage.around(GrantStore, ["revokeAll"], (_, answer) =>
        Effect.suspend(() => {
          if (!isBroken) return answer
          return new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" })
        })
      )
    )
  }
  const verbs: Readonly<
    Record<string, (service: Service, whom: Whom) => Effect.Effect<unknown, TemporarilyUnavailable>>
  > = {
    disableAccount: (service, { subject }) => service.disableAccount(subject),
    removeAccount: (service, { subject }) => service.removeAccount(subject),
    setPassword: (service, { subject }) => service.setPassword(subject, Redacted.make(newPassword)),
    disableClient: (service, { clientId }) => service.disableClient(clientId),
    removeClient: (service, { clientId }) => service.removeClient(clientId),
    rotateSecret: (service, { clientId }) => service.rotateSecret(clientId),
    withdrawConsent: (service, { clientId, subject }) => service.withdrawConsent(subject, clientId),
    revokeGrants: (service, { subject }) => service.revokeGrants({ subject })
  }
  type Whom = { readonly subject: Subject; readonly clientId: ClientId }

  for (const [name, verb] of Object.entries(verbs)) {
    test(
      `leaves nothing alive, and ${name} called again marks the rest`,
      async (server) => {
        const client = await server.register(confidential)
        const { tokens } = await holdings(server, client)
        const { terms } = await server.grant(tokens.refresh_token)
        isBroken = true
        const broken = await take(server, (service) => Effect.exit(verb(service, terms)))
        isBroken = false
        expect(broken._tag).toBe("Failure")
        expect((await server.call(tokens.access_token)).status).toBe(401)
        expect(await server.grant(tokens.refresh_token)).toMatchObject({ _tag: "Active" })
        await take(server, (service) => Effect.exit(verb(service, terms)))
        expect(await server.grant(tokens.refresh_token)).toMatchObject({ _tag: "Revoked" })
      },
      breaking
    )
  }

  const metadata = {
    redirect_uris: ["https://client.example/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    scope: "notes:read"
  }
  test(
    "by an error while a client begins or ceases to keep a secret is logged with the command that continues",
    async (server) => {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const update = (id: ClientId, method: string) =>
        server.run(
          Effect.flatMap(ClientRegistration, ({ update }) =>
            Effect.exit(update(id, { token_endpoint_auth_method: method }))
          ).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
        )
      const { client_id } = await server.addClient(metadata)
      const id = ClientId.make(client_id)
      isBroken = true
      const exits = [await update(id, "none"), await update(id, "client_secret_basic")]
      isBroken = false
      expect(exits.map(({ _tag }) => _tag)).toEqual(["Failure", "Failure"])
      expect(lines.filter((line) => line.startsWith("revocation broke off"))).toEqual([
        expect.stringContaining(`latchkey grant revoke --client ${id}`),
        expect.stringContaining(`latchkey client rotate-secret ${id}`)
      ])
    },
    breaking
  )

  const changing = Effect.unsafeMakeLatch(true)
  test(
    "because the caller has gone during the change itself goes on all the same",
    async (server) => {
      const client = await server.register()
      const { tokens } = await holdings(server, client)
      changing.unsafeClose()
      await take(server, (service) =>
        Effect.timeoutOption(service.disableClient(idOf(client)), "100 millis").pipe(Effect.withClock(Clock.make()))
      )
      expect((await server.call(tokens.access_token)).status).toBe(200)
      changing.unsafeOpen()
      await vi.waitFor(async () =>
        expect(await server.grant(tokens.refresh_token)).toMatchObject({ _tag: "Revoked", reason: "ClientRevoked" })
      )
    },
    {
      storage: Storage.changed(
        Storage.around(ClientStore, ["setState"], (_, answer) => Effect.zipRight(changing.await, answer))
      )
    }
  )
})

test("a filter that names nobody revokes nothing, and is a defect that says what to name", async (server) => {
  const client = await server.register()
  const held = await holdings(server, client)
  for (const whose of emptyFilters) {
    const message = await take(server, (service) =>
      service.revokeGrants(whose).pipe(
        Effect.as("revoked"),
        Effect.catchAllDefect((defect) => Effect.succeed(String(defect)))
      )
    )
    expect(message).toBe("TypeError: name a subject, a client or everybody")
  }
  expect(await state(server, client, held)).toEqual(alive)
})

describe("a consent that is withdrawn", () => {
  const withdraw = async (server: TestServer, client: Client) => {
    const subject = await subjectOf(server)
    await take(server, (service) => service.withdrawConsent(subject, idOf(client)))
  }

  test("takes every token and code of that person and client, and leaves the session", async (server) => {
    await server.addAccount("bob")
    const [client, other] = [await server.register(), await server.register()]
    const hers = await holdings(server, client)
    const [elsewhere, his] = [await holdings(server, other), await holdings(server, client, "bob")]
    await withdraw(server, client)
    expect(await state(server, client, hers)).toEqual([consent, "401 invalid_token", noGrant, noGrant])
    expect(await state(server, other, elsewhere)).toEqual(alive)
    expect(await state(server, client, his)).toEqual(alive)
    expect(await server.grant(hers.tokens.refresh_token)).toMatchObject({ _tag: "Revoked", reason: "ConsentWithdrawn" })
  })

  test("and given again starts anew: nothing of before comes back, and everything is new on the page", async (server) => {
    const client = await server.register()
    const before = await holdings(server, client)
    await withdraw(server, client)
    const { page } = await server.toConsent(client)
    const marks = page.document.querySelectorAll("label").map((label) => /\bNew\b/.test(label.text))
    const never = await server.toConsent(await server.register())
    expect(marks).toEqual(never.page.document.querySelectorAll("label").map((label) => /\bNew\b/.test(label.text)))
    const after = await holdings(server, client)
    expect(await state(server, client, before)).toEqual([consent, "401 invalid_token", noGrant, noGrant])
    expect(await state(server, client, after)).toEqual(alive)
  })
})

describe("what is told of a grant", () => {
  const endings = (server: TestServer, grantId: GrantId) =>
    server.run(
      Effect.gen(function* () {
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))
        const events = yield* (yield* EventLog).read({ grantId, limit: 100 })
        return events.flatMap(({ kind }) => (kind._tag === "Revoked" ? [kind.reason] : []))
      })
    )

  test("that ended with its account is why, once", async (server) => {
    const client = await server.register()
    const { refresh_token } = await server.tokens(client)
    const { terms } = await server.grant(refresh_token)
    await take(server, ({ disableAccount }) => disableAccount(terms.subject))
    await take(server, ({ removeAccount }) => removeAccount(terms.subject))
    expect(await endings(server, terms.id)).toEqual(["SubjectRevoked"])
  })

  test("whose code is presented again and again is that it ended once", async (server) => {
    const client = await server.register()
    const code = await server.code(client)
    const { refresh_token } = await tokensOf(server.redeem(client, code))
    const { terms } = await server.grant(refresh_token)
    await server.advance("3 seconds")
    for (let i = 0; i < 3; i++) expect(await outcome(server.redeem(client, code))).toBe("400 invalid_grant")
    expect(await endings(server, terms.id)).toEqual(["CodeReplayed"])
  })
})
