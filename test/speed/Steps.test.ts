/**
 * The budgets of steps: each kind of request takes at most so many primitives of Effect's run loop. The run loop is most of what
 * a request costs, and a count is the same on every machine.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import * as SqliteStorage from "../../src/layers/SqliteStorage.js"
import { temporaryFile } from "../layers/temporaryFile.js"
import { measureRequests } from "./requests.js"
import { type CountedServer, withServer } from "./steps.js"

const sqlite = Layer.unwrapScoped(Effect.map(temporaryFile, (filename) => SqliteStorage.layer({ filename })))

/** The steps of each kind of request. */
const count = (server: CountedServer) => measureRequests(server, (make, status) => server.stepsOf(make, status))

type Counts = Awaited<ReturnType<typeof count>>

/** The most steps of each kind of request. */
const budgets: Counts = {
  openRoute: 35,
  metadata: 0,
  resourceMetadata: 0,
  keySet: 0,
  challenge: 20,
  guardedRoute: 60,
  toolCall: 80,
  refusedToolCall: 70,
  clientCredentials: 80,
  clientAssertion: 100,
  introspect: 80,
  revoke: 80,
  refresh: 100,
  redeem: 110,
  register: 110,
  registerWithToken: 170,
  readRegistration: 80,
  updateRegistration: 200,
  deleteRegistration: 450,
  authorize: 160,
  documentRedeem: 110,
  documentRefresh: 100,
  documentAuthorize: 180
}

describe.each([
  ["SQLite", sqlite],
  ["memory", MemoryStorage.layer]
] as const)("the steps of a request, on %s", (_, storage) => {
  it("each kind of request keeps its budget", async () => {
    const counts = await withServer(storage, count)
    const over = Object.entries(counts).filter(([kind, steps]) => steps > budgets[kind as keyof Counts])
    expect(over.map(([kind, steps]) => `${kind}: ${steps} steps, budget ${budgets[kind as keyof Counts]}`)).toEqual([])
  })
})
