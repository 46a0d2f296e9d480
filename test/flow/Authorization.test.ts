/** The whole path, in process: discovery, registration, login, consent, code, tokens, a guarded call, refresh. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Server from "./support/Server.js"

it.scoped("a client that has never been here gets to a guarded route", () =>
  Effect.gen(function* () {
    const server = yield* Server.make()
    yield* Effect.promise(async () => {
      expect((await server.call(undefined)).status).toBe(401)
      const client = await server.register()
      const tokens = await server.tokens(client)
      expect(tokens.scope).toBe("notes:read notes:write")
      const answer = await server.call(tokens.access_token)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toMatchObject({ clientId: client.client_id })

      const refreshed = (await (await server.refresh(client, tokens.refresh_token)).json()) as Server.Tokens
      expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
      expect((await server.call(refreshed.access_token)).status).toBe(200)
    })
  })
)
