/** Revoked access ends at once, for everything that was issued, and does not come back. */
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
import { Accounts } from "../../../src/services/accounts/Accounts.js"
import { ClientRegistration } from "../../../src/services/clients/ClientRegistration.js"
import { Clients } from "../../../src/services/clients/Clients.js"
import { GrantRevocation } from "../../../src/services/grants/GrantRevocation.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
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

interface Services {
  readonly accounts: Accounts["Type"]
  readonly clients: Clients["Type"]
  readonly revocation: GrantRevocation["Type"]
}

/** Runs an effect with the services that revoke access. */
const run = <A, E>(server: TestServer, use: (services: Services) => Effect.Effect<A, E>) =>
  server.run(Effect.flatMap(Effect.all({ accounts: Accounts, clients: Clients, revocation: GrantRevocation }), use))

const idOf = (client: Client) => ClientId.make(client.client_id)

const confidential = { token_endpoint_auth_method: "client_secret_basic" }

/** Everything that a user and a client can hold: a session, tokens and an unused code. */
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

/** The page that the session leads to, and the answers to the access token, the refresh token and the code. */
const state = async (server: TestServer, client: Client, { browser, code, tokens }: Holdings) => [
  headingOf(await (browser as Browser).open((await server.request(client, { prompt: "consent" })).url)),
  await outcome(server.call(tokens.access_token)),
  await outcome(server.refresh(client, tokens.refresh_token)),
  await outcome(server.redeem(client, code))
]

const alive = [consent, "200", "200", "200"]
const noGrant = "400 invalid_grant"
const noClient = "401 invalid_client"
const accountGone = [login, "401 invalid_token", noGrant, noGrant]
const clientGone = [refused, "401 invalid_token", noClient, noClient]

const logIn = async (server: TestServer, client: Client, itsPassword: string) => {
  const browser = server.browser()
  const page = await browser.open((await server.request(client, { prompt: "consent" })).url)
  return browser.submit(page, { fields: { username: "ada", password: itsPassword } })
}

/** Changes ada's account, and returns the states of her holdings and of bob's. */
const changeAccount = async (
  server: TestServer,
  client: Client,
  change: (services: Services, id: Subject) => Effect.Effect<boolean, TemporarilyUnavailable>
) => {
  await server.addAccount("bob")
  const [hers, his] = [await holdings(server, client), await holdings(server, client, "bob")]
  const id = await subjectOf(server)
  expect(await run(server, (services) => change(services, id))).toBe(true)
  return { id, hers, after: await state(server, client, hers), others: await state(server, client, his) }
}
type Subject = Awaited<ReturnType<typeof subjectOf>>

/** Changes a client, and returns the states of its holdings and of another client's. */
const changeClient = async (
  server: TestServer,
  change: (services: Services, id: ClientId) => Effect.Effect<boolean, TemporarilyUnavailable>
) => {
  const [client, other] = [await server.register(confidential), await server.register(confidential)]
  const [its, others] = [await holdings(server, client), await holdings(server, other)]
  expect(await run(server, (services) => change(services, idOf(client)))).toBe(true)
  return { client, its, after: await state(server, client, its), others: await state(server, other, others) }
}

describe("an account", () => {
  test("a disabled account loses every session, token and code; other accounts keep theirs", async (server) => {
    const client = await server.register()
    const { after, hers, others } = await changeAccount(server, client, ({ accounts }, id) => accounts.disable(id))
    expect(after).toEqual(accountGone)
    expect(others).toEqual(alive)
    expect(await server.grant(hers.tokens.refresh_token)).toMatchObject({ _tag: "Revoked", reason: "SubjectRevoked" })
  })

  test("a deleted account loses every session, token and code; other accounts keep theirs", async (server) => {
    const client = await server.register()
    const { after, others } = await changeAccount(server, client, ({ accounts }, id) => accounts.remove(id))
    expect(after).toEqual(accountGone)
    expect(others).toEqual(alive)
  })

  test("a new password ends every session, token and code of its account only", async (server) => {
    const client = await server.register()
    const { after, others } = await changeAccount(server, client, ({ accounts }, id) =>
      Effect.map(accounts.setPassword(id, Redacted.make(newPassword)), Option.isSome)
    )
    expect(after).toEqual(accountGone)
    expect(others).toEqual(alive)
    expect(headingOf(await logIn(server, client, password))).toBe("403 Log in")
    expect(headingOf(await logIn(server, client, newPassword))).toBe(consent)
  })

  test("a new password answers with the epoch under which a session can begin", async (server) => {
    const id = await subjectOf(server)
    const changed = await run(server, ({ accounts }) => accounts.setPassword(id, Redacted.make(newPassword)))
    const stored = await server.run(Effect.flatMap(AccountStore, (store) => store.find(id)))
    expect(changed).toEqual(stored)
  })

  test("the login of a disabled or deleted account is answered like a wrong password", async (server) => {
    const client = await server.register()
    const id = await subjectOf(server)
    const text = ({ html }: Page) => html.replaceAll(/ value="[^"]*"/g, "")
    const wrong = await logIn(server, client, newPassword)
    await run(server, ({ accounts }) => accounts.disable(id))
    const disabled = await logIn(server, client, password)
    await run(server, ({ accounts }) => accounts.remove(id))
    const deleted = await logIn(server, client, password)
    for (const page of [disabled, deleted]) {
      expect(headingOf(page)).toBe("403 Log in")
      expect(text(page)).toBe(text(wrong))
      expect(page.headers.getSetCookie()).toEqual([])
    }
  })

  test("the user of an account that is enabled again logs in again, and no earlier token works", async (server) => {
    const client = await server.register()
    const { hers, id } = await changeAccount(server, client, ({ accounts }, id) => accounts.disable(id))
    expect(await run(server, ({ accounts }) => accounts.enable(id))).toBe(true)
    expect(await state(server, client, hers)).toEqual(accountGone)
    expect(await state(server, client, await holdings(server, client))).toEqual(alive)
  })

  test("a new account with a deleted account's username inherits nothing from it", async (server) => {
    const client = await server.register()
    const { hers } = await changeAccount(server, client, ({ accounts }, id) => accounts.remove(id))
    await server.addAccount("ada")
    expect(await state(server, client, hers)).toEqual(accountGone)
    expect(await state(server, client, await holdings(server, client))).toEqual(alive)
  })

  test("the user of a disabled account allows nothing on a page that was open before", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    const id = await subjectOf(server)
    await run(server, ({ accounts }) => accounts.disable(id))
    const after = await browser.submit(page, { button: "allow" })
    expect(after.sentTo).toBe(undefined)
    expect(headingOf(after)).toBe(login)
  })
})

describe("a client", () => {
  const gate = Effect.unsafeMakeLatch(true)
  test(
    "a disabled client loses every grant also when the caller is interrupted halfway",
    async (server) => {
      const client = await server.register()
      const { tokens } = await holdings(server, client)
      gate.unsafeClose()
      await run(server, ({ clients }) =>
        Effect.timeoutOption(clients.disable(idOf(client)), "200 millis").pipe(Effect.withClock(Clock.make()))
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

  test("a disabled client loses every token and code; other clients keep theirs", async (server) => {
    const { after, its, others } = await changeClient(server, ({ clients }, id) => clients.disable(id))
    expect(after).toEqual(clientGone)
    expect(others).toEqual(alive)
    expect(await server.grant(its.tokens.refresh_token)).toMatchObject({ _tag: "Revoked", reason: "ClientRevoked" })
  })

  test("a deleted client loses every token and code; other clients keep theirs", async (server) => {
    const { after, others } = await changeClient(server, ({ clients }, id) => clients.remove(id))
    expect(after).toEqual(clientGone)
    expect(others).toEqual(alive)
  })

  test("a new secret ends every token and code of its client, and the old secret", async (server) => {
    const [client, other] = [await server.register(confidential), await server.register(confidential)]
    const [its, others] = [await holdings(server, client), await holdings(server, other)]
    const secret = Option.getOrThrow(await run(server, ({ clients }) => clients.rotateSecret(idOf(client))))
    expect(await state(server, client, its)).toEqual([consent, "401 invalid_token", noClient, noClient])
    const renewed = { ...client, client_secret: Redacted.value(secret) }
    expect(await state(server, renewed, its)).toEqual([consent, "401 invalid_token", noGrant, noGrant])
    expect(await state(server, renewed, await holdings(server, renewed))).toEqual(alive)
    expect(await state(server, other, others)).toEqual(alive)
  })

  test("a disabled or deleted client gets no redirect: the user sees an error page", async (server) => {
    const client = await server.register()
    const { browser, page, url } = await server.toConsent(client)
    for (const verb of ["disable", "remove"] as const) {
      await run(server, ({ clients }) => clients[verb](idOf(client)))
      for (const answer of [
        await browser.open(url),
        await server.browser().open(url),
        await browser.submit(page, { button: "allow" }),
        await browser.submit(page, { button: "deny" })
      ]) {
        expect(headingOf(answer), verb).toBe(refused)
        expect(answer.sentTo, verb).toBe(undefined)
      }
    }
  })

  test("a client that is enabled again authenticates, and no earlier token works", async (server) => {
    const { client, its } = await changeClient(server, ({ clients }, id) => clients.disable(id))
    expect(await run(server, ({ clients }) => clients.enable(idOf(client)))).toBe(true)
    expect(await state(server, client, its)).toEqual([consent, "401 invalid_token", noGrant, noGrant])
    expect(await state(server, client, await holdings(server, client))).toEqual(alive)
  })

  test("a change of an unknown client reports that there is none", async (server) => {
    const id = ClientId.make("0".repeat(26))
    for (const verb of ["disable", "enable", "remove"] as const) {
      expect(await run(server, ({ clients }) => clients[verb](id)), verb).toBe(false)
    }
    expect(await run(server, ({ clients }) => clients.rotateSecret(id))).toEqual(Option.none())
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
  interface Ids {
    readonly subject: Subject
    readonly clientId: ClientId
  }
  const verbs: Readonly<
    Record<string, (services: Services, ids: Ids) => Effect.Effect<unknown, TemporarilyUnavailable>>
  > = {
    "Accounts.disable": ({ accounts }, { subject }) => accounts.disable(subject),
    "Accounts.remove": ({ accounts }, { subject }) => accounts.remove(subject),
    "Accounts.setPassword": ({ accounts }, { subject }) => accounts.setPassword(subject, Redacted.make(newPassword)),
    "Clients.disable": ({ clients }, { clientId }) => clients.disable(clientId),
    "Clients.remove": ({ clients }, { clientId }) => clients.remove(clientId),
    "Clients.rotateSecret": ({ clients }, { clientId }) => clients.rotateSecret(clientId),
    "GrantRevocation.revokeAll": ({ revocation }, { subject }) => revocation.revokeAll({ subject }),
    "GrantRevocation.withdraw": ({ revocation }, { clientId, subject }) => revocation.withdraw(subject, clientId)
  }

  for (const [name, verb] of Object.entries(verbs)) {
    test(
      `no token works after ${name} breaks off, and a second call marks the rest`,
      async (server) => {
        const client = await server.register(confidential)
        const { tokens } = await holdings(server, client)
        const { terms } = await server.grant(tokens.refresh_token)
        isBroken = true
        const broken = await run(server, (services) => Effect.exit(verb(services, terms)))
        isBroken = false
        expect(broken._tag).toBe("Failure")
        expect((await server.call(tokens.access_token)).status).toBe(401)
        expect(await server.grant(tokens.refresh_token)).toMatchObject({ _tag: "Active" })
        await run(server, (services) => Effect.exit(verb(services, terms)))
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
    "an error while a client gets or loses its secret is logged with the command that continues",
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
    "a change goes on when its caller is interrupted",
    async (server) => {
      const client = await server.register()
      const { tokens } = await holdings(server, client)
      changing.unsafeClose()
      await run(server, ({ clients }) =>
        Effect.timeoutOption(clients.disable(idOf(client)), "100 millis").pipe(Effect.withClock(Clock.make()))
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

test("a filter that names no account and no client revokes nothing, and is a defect that says so", async (server) => {
  const client = await server.register()
  const held = await holdings(server, client)
  for (const whose of emptyFilters) {
    const message = await run(server, ({ revocation }) =>
      revocation.revokeAll(whose).pipe(
        Effect.as("revoked"),
        Effect.catchAllDefect((defect) => Effect.succeed(String(defect)))
      )
    )
    expect(message).toMatch(/^TypeError: the filter needs /)
  }
  expect(await state(server, client, held)).toEqual(alive)
})

describe("a withdrawn consent", () => {
  const withdraw = async (server: TestServer, client: Client) => {
    const subject = await subjectOf(server)
    await run(server, ({ revocation }) => revocation.withdraw(subject, idOf(client)))
  }

  test("withdrawing a consent ends every token and code of that user and client, and no session", async (server) => {
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

  test("a consent after a withdrawal starts again: no earlier token works, and every scope is marked as new", async (server) => {
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

describe("the events of a revoked grant", () => {
  const endings = (server: TestServer, grantId: GrantId) =>
    server.run(
      Effect.gen(function* () {
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))
        const events = yield* (yield* EventLog).read({ grantId, limit: 100 })
        return events.flatMap(({ kind }) => (kind._tag === "Revoked" ? [kind.reason] : []))
      })
    )

  test("a grant that ended with its account has one Revoked event with that reason", async (server) => {
    const client = await server.register()
    const { refresh_token } = await server.tokens(client)
    const { terms } = await server.grant(refresh_token)
    await run(server, ({ accounts }) => accounts.disable(terms.subject))
    await run(server, ({ accounts }) => accounts.remove(terms.subject))
    expect(await endings(server, terms.id)).toEqual(["SubjectRevoked"])
  })

  test("a grant whose code is replayed several times has one Revoked event", async (server) => {
    const client = await server.register()
    const code = await server.code(client)
    const { refresh_token } = await tokensOf(server.redeem(client, code))
    const { terms } = await server.grant(refresh_token)
    await server.advance("3 seconds")
    for (let i = 0; i < 3; i++) expect(await outcome(server.redeem(client, code))).toBe("400 invalid_grant")
    expect(await endings(server, terms.id)).toEqual(["CodeReplayed"])
  })
})
