/** The official clients of both SDK lines connect to the example, log in, and get the scope of each tool when they call it. */
import { Effect, Layer, Redacted, Schema } from "effect"
import { Username } from "latchkey/Account"
import { Accounts } from "latchkey/Accounts"
import * as AuthLayer from "latchkey/AuthLayer"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { Storage } from "latchkey/Storage"
import { expect, it } from "vitest"
import { lines, McpUser, serve } from "../../test/flow/support/McpUser.js"
import { make } from "./app.js"

const person = { username: "ada", password: "correct horse battery" }

/** Starts the example with one account. */
const start = async () => {
  const kept = await Effect.runPromise(Effect.provide(Storage, MemoryStorage.layer))
  const storage = Layer.succeed(Storage, kept)
  const closing: Array<() => Promise<void>> = []
  const { stop, url } = await serve(async (issuer) => {
    const { app, auth } = make(issuer, storage)
    closing.push(auth.dispose)
    await auth.ready()
    return app
  })
  await Effect.gen(function* () {
    const username = yield* Schema.decode(Username)(person.username)
    yield* (yield* Accounts).create({ username, password: Redacted.make(person.password) })
  }).pipe(
    Effect.provide(Layer.provide(AuthLayer.layerServices({ issuer: url, resources: [] }), storage)),
    Effect.runPromise
  )
  closing.push(stop)
  return { url: `${url}/mcp`, stop: () => Promise.all(closing.map((close) => close())) }
}

it.each(lines)("$sdk.name calls a tool, and gets more scope for the next one", async (line) => {
  const { stop, url } = await start()
  const user = new McpUser(line, url, person)
  const connection = await user.connect()
  expect(await connection.tools()).toEqual(["list_notes", "add_note"])
  expect(await connection.call("list_notes")).toBe("no notes")
  expect(user.asked).toEqual(["notes:read"])
  expect(await user.attempt(() => connection.call("add_note", { text: "Buy milk" }))).toBe("Buy milk")
  expect(user.asked).toEqual(["notes:read", "notes:read notes:write"])
  expect(await connection.call("list_notes")).toBe("Buy milk")
  await connection.close()
  await stop()
})
