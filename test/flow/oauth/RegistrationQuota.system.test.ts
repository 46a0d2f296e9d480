/** Registration stays open in a flood, and stores a bounded number of rows. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { Maintenance } from "../../../src/services/maintenance/Maintenance.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { keptOf } from "../support/EventRows.js"
import { type Client, issuer, outcome, redirectUri, type TestServer, test } from "../support/Server.js"

const register = (server: TestServer) =>
  server.send("/register", {
    method: "POST",
    body: JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: "none" }),
    headers: { "content-type": "application/json" }
  })

const clientsOf = (server: TestServer) => server.run(Effect.flatMap(ClientStore, ({ list }) => list({ limit: 1_000 })))

const statusOf = async (server: TestServer, client: Client) => {
  const { url } = await server.request(client)
  return (await server.browser().open(url)).status
}

/** Registers one client after the other, so that each is older than the next. */
const registerTimes = async (server: TestServer, times: number): Promise<ReadonlyArray<Client>> => {
  const clients: Array<Client> = []
  for (let i = 0; i < times; i++) {
    clients.push(await server.register())
    await server.advance("1 millis")
  }
  return clients
}

describe("registration", () => {
  // REG-06
  test("registration stays open for another network while 167 networks of one household register at full speed", async (server) => {
    const honest = await server.from("2001:db8:1::1").register()
    let heard = 0
    for (let network = 0; network < 167; network++) {
      const flooder = server.from(`2001:db8:0:${network.toString(16)}::1`)
      for (let i = 0; i < 60; i++) if ((await register(flooder)).status === 201) heard++
    }
    expect(heard).toBe(240)
    expect(await outcome(register(server.from("2001:db8:2::1")))).toBe("201")
    expect(await statusOf(server, honest)).toBe(200)
  })

  test("registration stays open for other networks after 1,200 attempts from one /56, of which 240 are accepted", async (server) => {
    const waiting = await server.from("2001:db8:1::1").register()
    const statuses = []
    for (let i = 0; i < 1_200; i++) {
      const network = `2001:db8:0:${(i % 256).toString(16)}::${i + 1}`
      statuses.push((await register(server.from(network))).status)
    }
    expect(statuses.filter((status) => status === 201)).toHaveLength(240)
    expect(statuses.filter((status) => status === 429)).toHaveLength(960)
    for (const other of ["198.51.100.1", "2001:db8:2::1", "2001:db8:0:100::1"]) {
      expect(await outcome(register(server.from(other))), other).toBe("201")
    }
    expect((await server.from("2001:db8:1::1").tokens(waiting)).scope).toBe("notes:read notes:write")
    expect(await clientsOf(server)).toHaveLength(244)
  })

  test(
    "registration at the maximum of unused clients replaces the oldest unused one, and no used one",
    async (server) => {
      const used = await server.register()
      await server.tokens(used)
      const [first, ...others] = await registerTimes(server, 5)
      const operators = await server.addClient({ grant_types: ["authorization_code"], redirect_uris: [redirectUri] })
      const [sixth] = await registerTimes(server, 1)
      if (first === undefined || sixth === undefined) throw new Error("nobody registered")
      expect(await statusOf(server, first)).toBe(400)
      for (const client of [used, operators, ...others, sixth]) expect(await statusOf(server, client)).toBe(200)
      await registerTimes(server, 20)
      expect(await clientsOf(server)).toHaveLength(7)
      expect((await server.tokens(used)).scope).toBe("notes:read notes:write")
    },
    { settings: { maxUnusedClients: 5 } }
  )

  test(
    "a replaced client is unknown at the token endpoint and on a page, so that it registers again",
    async (server) => {
      const evicted = await server.register()
      await server.advance("1 millis")
      await server.register()
      expect(await outcome(server.token(evicted, { grant_type: "authorization_code" }))).toBe("401 invalid_client")
      const { url } = await server.request(evicted)
      const page = await server.browser().open(url)
      expect(page.status).toBe(400)
      expect(page.sentTo).toBeUndefined()
    },
    { settings: { maxUnusedClients: 1 } }
  )

  test(
    "a maximum of 0 closes registration: the response has no Retry-After, and the metadata does not offer it",
    async (server) => {
      const answer = await register(server)
      expect(answer.headers.has("retry-after")).toBe(false)
      expect(await answer.clone().json()).toEqual({
        error: "access_denied",
        error_description: "clients cannot register themselves here; the operator of this server registers them"
      })
      expect(await outcome(answer)).toBe("403 access_denied")
      expect(await clientsOf(server)).toEqual([])
      expect(await server.discover()).not.toHaveProperty("registration_endpoint")
      await server.addClient()
    },
    { settings: { maxUnusedClients: 0 } }
  )

  test("the metadata offers registration if it is open", async (server) => {
    expect(await server.discover()).toMatchObject({ registration_endpoint: `${issuer}/register` })
  })

  test("a client that was not used within a day is deleted", async (server) => {
    const client = await server.register()
    await server.advance("1 day")
    const pass = () => server.run(Effect.flatMap(Maintenance, ({ pass }) => pass))
    expect(await pass()).toMatchObject({ report: { clients: 0 } })
    await server.advance("1 millis")
    expect(await pass()).toMatchObject({ report: { clients: 1 } })
    expect(await statusOf(server, client)).toBe(400)
  })
})

describe("the operator", () => {
  const warnings: Array<string> = []
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    if (logLevel._tag === "Warning") warnings.push(String(message))
  })

  test(
    "the operator is warned once near the maximum of unused clients, and once at the maximum",
    async (server) => {
      await registerTimes(server, 7)
      expect(warnings).toEqual([])
      await registerTimes(server, 1)
      expect(warnings).toEqual(["registration quota nearly reached"])
      await registerTimes(server, 30)
      expect(warnings).toEqual(["registration quota nearly reached", "registration quota reached"])
      expect(await keptOf(server, "RegistrationQuota")).toEqual([
        { _tag: "RegistrationQuota", level: "Near", unused: 8, atMost: 10 },
        { _tag: "RegistrationQuota", level: "Met", unused: 10, atMost: 10 }
      ])

      // A number that falls a little and rises again is the same episode.
      const remove = (count: number) =>
        server.run(
          Effect.gen(function* () {
            const store = yield* ClientStore
            const list = yield* store.list({ limit: count })
            yield* Effect.forEach(list, ({ id }) => store.remove(id))
          })
        )
      await remove(3)
      await registerTimes(server, 5)
      expect(warnings).toHaveLength(2)
      await remove(6)
      await registerTimes(server, 10)
      expect(warnings).toHaveLength(4)
      expect((await keptOf(server, "RegistrationQuota")).map(({ level }) => level)).toEqual([
        "Near",
        "Met",
        "Near",
        "Met"
      ])
    },
    { settings: { maxUnusedClients: 10 }, logger }
  )

  test(
    "the event log has the registrations of the operator's clients, and none of self-registered ones",
    async (server) => {
      await registerTimes(server, 20)
      const { client_id } = await server.addClient()
      expect(await keptOf(server, "ClientRegistered")).toEqual([
        { _tag: "ClientRegistered", clientId: client_id, origin: "Operator" }
      ])
    },
    { settings: { maxUnusedClients: 5 } }
  )
})
