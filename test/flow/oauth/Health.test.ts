/** The health endpoints: the process runs, and the server can answer requests. */
import { describe, expect } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import { KeyStore } from "../../../src/services/stores/KeyStore.js"
import { Storage as StorageTag } from "../../../src/services/stores/Storage.js"
import { files, issuer, notes, test } from "../support/Server.js"
import * as Storage from "../support/Storage.js"

let isDown = false

const keysMayFail = {
  storage: Storage.changed(
    Storage.verbs(KeyStore, (store) => ({
      list: Effect.suspend(() =>
        isDown
          ? Effect.fail(new TemporarilyUnavailable({ reason: "StoreFailed", description: "the disk is on fire" }))
          : store.list
      )
    }))
  )
}

test("a working server is alive and ready, and no cache stores the response (RFC 9111 §5.2.2.5)", async (server) => {
  for (const [path, status] of [
    ["/health", "alive"],
    ["/ready", "ready"]
  ] as const) {
    const answer = await server.send(path)
    expect(answer.status, path).toBe(200)
    expect(answer.headers.get("cache-control"), path).toBe("no-store")
    expect(await answer.json(), path).toEqual({ status })
  }
})

test(
  "a server that cannot read its keys is alive, but not ready (RFC 9110 §15.6.4)",
  async (server) => {
    isDown = true
    const [health, ready] = [await server.send("/health"), await server.send("/ready")]
    isDown = false
    expect(health.status).toBe(200)
    expect(ready.status).toBe(503)
    expect(ready.headers.get("retry-after")).toBe("1")
    expect(ready.headers.get("cache-control")).toBe("no-store")
    expect(await ready.json()).toMatchObject({ error: "temporarily_unavailable" })
    expect((await server.send("/ready")).status).toBe(200)
  },
  keysMayFail
)

describe("a server whose nodes share a clock", () => {
  let off = 0
  const shared = Effect.map(Clock.currentTimeMillis, (now) => now + off)
  test(
    "a server is not ready while its clock is more than two seconds off the shared clock",
    async (server) => {
      const statuses = []
      for (off of [0, 2000, -2000, 2001, -2001, 0]) statuses.push((await server.send("/ready")).status)
      expect(statuses).toEqual([200, 200, 200, 503, 503, 200])
      off = 2001
      expect((await server.send("/health")).status).toBe(200)
    },
    {
      storage: Layer.effect(
        StorageTag,
        Effect.map(StorageTag, (storage) => ({ ...storage, clock: shared }))
      ).pipe(Layer.provide(Storage.changed()))
    }
  )
})

test("the health endpoints accept GET and HEAD (RFC 9110 §15.5.6)", async (server) => {
  for (const path of ["/health", "/ready"]) {
    const head = await server.send(path, { method: "HEAD" })
    expect(head.status, path).toBe(200)
    expect(await head.text(), path).toBe("")
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const answer = await server.send(path, { method })
      expect(answer.status, `${method} ${path}`).toBe(405)
      expect(answer.headers.get("allow"), `${method} ${path}`).toBe("GET, HEAD")
    }
  }
})

test(
  "the health endpoints are below the path of the issuer",
  async (server) => {
    for (const path of ["/health", "/ready"]) {
      expect((await server.send(path)).status, path).toBe(200)
      expect((await server.send(issuer + path)).status, path).toBe(404)
    }
  },
  { settings: { issuer: `${issuer}/a/tenant`, resources: [notes, files] } }
)
