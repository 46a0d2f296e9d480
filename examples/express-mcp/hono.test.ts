/** The guard of the SDK's server on Hono, and in front of any other server, answers before the server. */
import { afterAll, expect, it } from "vitest"
import { guarded } from "./framework.js"
import { app, auth, guard } from "./hono.js"

afterAll(() => auth.dispose())

const call = (body: object) =>
  new Request("http://127.0.0.1:3000/mcp", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify(body)
  })

const tool = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "add_note", arguments: {} } }

it("a call without a token gets a challenge that names the metadata of the resource", async () => {
  const answer = await app.fetch(call(tool))
  expect(answer.status).toBe(401)
  const [, metadata = ""] = /resource_metadata="([^"]+)"/.exec(answer.headers.get("www-authenticate") ?? "") ?? []
  const document = await (await app.fetch(new Request(metadata))).json()
  expect(document).toMatchObject({ resource: "http://127.0.0.1:3000/mcp" })
})

it("a server of any framework does not see a call without a token", async () => {
  const seen: Array<Request> = []
  const answer = await guarded(guard, call(tool), async (request) => {
    seen.push(request)
    return new Response()
  })
  expect(answer.status).toBe(401)
  expect(seen).toEqual([])
})
