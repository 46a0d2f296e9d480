/** Self-registered clients whose last grant ended long ago are deleted, and those in use are not, on every storage. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ClientId } from "../../../src/domain/Client.js"
import { Maintenance } from "../../../src/services/maintenance/Maintenance.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { type Client, type TestServer, test, tokensOf } from "../support/Server.js"
import * as Storages from "../support/Storages.js"

const pass = async (server: TestServer) => {
  const outcome = await server.run(Effect.flatMap(Maintenance, ({ pass }) => pass))
  expect(outcome).toMatchObject({ _tag: "Completed", report: { failed: [] } })
}

const isThere = (server: TestServer, { client_id }: Client) =>
  server.run(
    Effect.map(
      Effect.flatMap(ClientStore, ({ find }) => find(ClientId.make(client_id))),
      Option.isSome
    )
  )

/** Refreshes as rarely as the lifetime of an unused refresh token allows, with a pass of maintenance before each refresh. */
const refreshRarely = async (server: TestServer, client: Client, refreshToken: string, days: number) => {
  let token = refreshToken
  for (let day = 0; day + 29 <= days; day += 29) {
    await server.advance("29 days")
    await pass(server)
    token = (await tokensOf(server.refresh(client, token))).refresh_token
  }
}

describe.each(Storages.all)("a self-registered client, on %s", (_, storage) => {
  test(
    "a client whose refresh token is used rarely is kept as long as its grant lives, whatever the setting",
    async (server) => {
      const client = await server.register()
      await refreshRarely(server, client, (await server.tokens(client)).refresh_token, 174)
      await pass(server)
      expect(await isThere(server, client)).toBe(true)
    },
    { storage, settings: { lifetimes: { abandonedClient: "1 hour" } } }
  )

  test(
    "a client is kept for half a year after the latest end of its last grant, and then deleted",
    async (server) => {
      const client = await server.register()
      await refreshRarely(server, client, (await server.tokens(client)).refresh_token, 174)
      await server.advance("190 days")
      await pass(server)
      expect(await isThere(server, client)).toBe(true)
      await server.advance("2 days")
      await pass(server)
      expect(await isThere(server, client)).toBe(false)
    },
    { storage }
  )

  test(
    "a client that a user allows access again is kept, and so is one of the operator",
    async (server) => {
      const client = await server.register()
      const operators = await server.addClient()
      await server.tokens(client)
      await server.advance("300 days")
      await server.tokens(client)
      await server.advance("100 days")
      await pass(server)
      expect(await isThere(server, client)).toBe(true)
      await server.advance("2000 days")
      await pass(server)
      expect(await isThere(server, client)).toBe(false)
      expect(await isThere(server, operators)).toBe(true)
    },
    { storage }
  )

  test(
    "the setting abandonedClient decides how long a client without a grant is kept",
    async (server) => {
      const client = await server.register()
      await server.tokens(client)
      await server.advance("729 days")
      await pass(server)
      expect(await isThere(server, client)).toBe(true)
      await server.advance("2 days")
      await pass(server)
      expect(await isThere(server, client)).toBe(false)
    },
    { storage, settings: { lifetimes: { abandonedClient: "730 days" } } }
  )
})
