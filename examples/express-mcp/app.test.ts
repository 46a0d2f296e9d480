/** The official clients of both SDK lines connect to the example, log in, and get the scope of each tool when they call it. */
import { expect, it } from "vitest"
import { lines, McpUser, serve, sharedStorage } from "../../test/flow/support/McpUser.js"
import { make } from "./app.js"

it.each(lines)("$sdk.name calls a tool, and gets more scope for the next one", async (line) => {
  const { addAccount, storage } = await sharedStorage()
  let dispose = async () => {}
  const { stop, url } = await serve(async (issuer) => {
    const { app, auth } = make(issuer, storage)
    dispose = auth.dispose
    await auth.ready()
    await addAccount(issuer)
    return app
  })
  const user = new McpUser(line, `${url}/mcp`)
  const connection = await user.connect()
  expect(await connection.tools()).toEqual(["list_notes", "add_note"])
  expect(await connection.call("list_notes")).toBe("no notes")
  expect(user.asked).toEqual(["notes:read"])
  expect(await user.attempt(() => connection.call("add_note", { text: "Buy milk" }))).toBe("Buy milk")
  expect(user.asked).toEqual(["notes:read", "notes:read notes:write"])
  expect(await connection.call("list_notes")).toBe("Buy milk")
  await connection.close()
  await stop()
  await dispose()
})
