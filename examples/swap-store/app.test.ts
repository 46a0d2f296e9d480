/** A test of one's own app: the storage, the clock and the person who logs in are replaced, each by one layer. */
import { expect, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, TestClock } from "effect"
import { ResourceOwner } from "latchkey"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { App } from "../compose/app.js"
import { accessToken, serve } from "./client.js"

const Ada = ResourceOwner.layer({
  find: () =>
    Effect.map(DateTime.now, (authenticatedAt) =>
      Option.some({ subject: "ada", displayName: "Ada", sessionId: "the test's", authenticatedAt })
    ),
  loginUrl: (returnTo) => returnTo
})

it.scoped("an access token is Ada's for ten minutes", () =>
  Effect.gen(function* () {
    const send = yield* serve(App.pipe(Layer.provide([MemoryStorage.layer, Ada])))
    const notes = send("/notes", { headers: { authorization: `Bearer ${yield* accessToken(send)}` } })
    yield* TestClock.adjust("599 seconds")
    const answer = yield* notes
    expect(yield* Effect.promise(() => answer.json())).toMatchObject({ subject: "ada" })
    yield* TestClock.adjust("1 second")
    expect((yield* notes).status).toBe(401)
  })
)
