/** The uses of an initial access token are counted over all nodes of a deployment. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { InitialAccessTokens } from "../../../src/services/clients/InitialAccessTokens.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import * as Postgres from "../../support/Postgres.js"
import { make, redirectUri } from "../support/Server.js"
import * as Storages from "../support/Storages.js"

describe.skipIf(Postgres.missing)(Postgres.named("two nodes on one PostgreSQL"), () => {
  it.scoped("of concurrent registrations at both nodes exactly as many succeed as the token has uses", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      const settings = { registration: "Token" } as const
      const first = yield* make({ storage: Storages.atPostgres(url), settings })
      const second = yield* make({ storage: Storages.atPostgres(url), settings, isSecond: true })
      const nodes = [first, second]
      yield* Effect.promise(async () => {
        const { secret } = await first.run(
          Effect.flatMap(InitialAccessTokens, ({ create }) => create({ label: "Partner", maxUses: 5 }))
        )
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            (nodes[i % 2] ?? first).send("/register", {
              method: "POST",
              body: JSON.stringify({ redirect_uris: [redirectUri], client_name: `Client ${i}` }),
              headers: { "content-type": "application/json", authorization: `Bearer ${Redacted.value(secret)}` }
            })
          )
        )
        expect(answers.filter(({ status }) => status === 201)).toHaveLength(5)
        expect(answers.filter(({ status }) => status === 401)).toHaveLength(15)
        const stored = await second.run(Effect.flatMap(ClientStore, ({ list }) => list({ limit: 100 })))
        expect(stored).toHaveLength(5)
        const [token] = await second.run(Effect.flatMap(InitialAccessTokens, ({ list }) => list({ limit: 10 })))
        expect(token).toMatchObject({ uses: 5 })
      })
    })
  )
})
