/** An access token proves that its grant existed: if the row is missing, the database lost writes (design §3, Restore). */
import { beforeEach, describe, expect, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Subject } from "../../../src/domain/Account.js"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import { Events } from "../../../src/services/events/Events.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { type TestServer, test } from "../support/Server.js"
import * as Storage from "../support/Storage.js"

const unavailable = new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" })

let grants: "Kept" | "Lost" | "Unreadable" = "Kept"
beforeEach(() => {
  grants = "Kept"
})
const storage = Storage.changed(
  Storage.verbs(GrantStore, (store) => ({
    find: (id) => (grants === "Lost" ? Effect.succeedNone : store.find(id)),
    findActive: (...parameters) =>
      grants === "Lost"
        ? Effect.succeedNone
        : grants === "Unreadable"
          ? Effect.fail(unavailable)
          : store.findActive(...parameters)
  }))
)

let markers = 0
/** The alarms so far. */
const alarms = async (server: TestServer) => {
  // Events are stored in order, so all earlier events are stored when this one is.
  const last = Subject.make(`marker-${markers++}`)
  await server.run(Effect.flatMap(Events, ({ publish }) => publish({ _tag: "AccountCreated", subject: last })))
  const events = await vi.waitFor(async () => {
    const read = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 1_000 })))
    expect(read.some(({ kind }) => "subject" in kind && kind.subject === last)).toBe(true)
    return read
  })
  return events.flatMap(({ kind }) => (kind._tag === "GrantMissing" ? [kind.grantId] : []))
}

const statusOf = async (server: TestServer, token: string) => (await server.call(token)).status

describe("an access token whose grant is not there", () => {
  test(
    "a token whose grant is missing is refused, with one alarm a minute",
    async (server) => {
      const tokens = await server.tokens(await server.register())
      const grant = await server.grant(tokens.refresh_token)
      grants = "Lost"
      for (let i = 0; i < 5; i++) expect(await statusOf(server, tokens.access_token)).toBe(401)
      expect(await alarms(server)).toEqual([grant.terms.id])
      await server.advance("1 minute")
      expect(await statusOf(server, tokens.access_token)).toBe(401)
      expect(await alarms(server)).toEqual([grant.terms.id, grant.terms.id])
      // An expired token raises no alarm.
      await server.advance("10 minutes")
      expect(await statusOf(server, tokens.access_token)).toBe(401)
      expect(await alarms(server)).toHaveLength(2)
    },
    { storage }
  )

  test(
    "no alarm is raised if the grant was revoked or the store does not answer",
    async (server) => {
      const client = await server.register()
      const tokens = await server.tokens(client)
      grants = "Unreadable"
      expect(await statusOf(server, tokens.access_token)).toBe(503)
      grants = "Kept"
      const { terms } = await server.grant(tokens.refresh_token)
      await server.run(
        Effect.flatMap(GrantStore, (store) => store.revoke(terms.id, "OperatorRevoked", terms.approvedAt))
      )
      expect(await statusOf(server, tokens.access_token)).toBe(401)
      expect(await alarms(server)).toEqual([])
    },
    { storage }
  )

  test(
    "no alarm is raised if maintenance may have deleted the grant",
    async (server) => {
      const tokens = await server.tokens(await server.register())
      await server.advance("7 days")
      grants = "Lost"
      expect(await statusOf(server, tokens.access_token)).toBe(401)
      expect(await alarms(server)).toEqual([])
    },
    { storage, settings: { lifetimes: { accessToken: "8 days" } } }
  )
})
