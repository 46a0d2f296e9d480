/** Prepared statements on PostgreSQL: each is parsed once for a connection, and its plan stays right while its table grows. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { Issuer } from "../../../../src/domain/Issuer.js"
import * as PostgresAddress from "../../../../src/layers/sql/postgres/PostgresAddress.js"
import * as PostgresClient from "../../../../src/layers/sql/postgres/PostgresClient.js"
import * as PostgresMigrator from "../../../../src/layers/sql/postgres/PostgresMigrator.js"
import * as PostgresPool from "../../../../src/layers/sql/postgres/PostgresPool.js"
import * as SqlStores from "../../../../src/layers/sql/stores/SqlStores.js"
import { ClientStore } from "../../../../src/services/stores/ClientStore.js"
import { app, client } from "../../../../src/testing/contracts/fixtures.js"
import * as Postgres from "../../../support/Postgres.js"

const issuer = Issuer.make("https://auth.example.com")

/** A client with one connection. */
const connected = Effect.gen(function* () {
  const pool = yield* PostgresPool.make({ url: yield* Postgres.database, maxConnections: 1 })
  yield* PostgresMigrator.run(pool, "", PostgresAddress.standardSchema)
  const sql = yield* PostgresClient.make(pool)
  return { sql, clients: Context.get(SqlStores.make(sql, issuer), ClientStore) }
})

describe.skipIf(Postgres.missing)(Postgres.named("a prepared statement on PostgreSQL"), () => {
  it.scopedLive("has a plan with an index, although its table was small when the plan was made", () =>
    Effect.gen(function* () {
      const { clients, sql } = yield* connected
      yield* clients.insert(client(app))
      // A table of one page, which the server would read whole.
      yield* sql.unsafe(`insert into clients (issuer, id, issued_at, origin, metadata, state, epoch)
        select '${issuer}', 'client-' || n, n, 'Operator', '{}', 'Enabled', 1 from generate_series(1, 49) as n`)
      yield* sql.unsafe("analyze clients")
      // The server keeps a plan from the sixth run on.
      const runs = 8
      yield* Effect.replicateEffect(clients.find(app), runs)
      const statements = yield* sql.unsafe<{ readonly name: string; readonly runs: number; readonly kept: boolean }>(
        `select name, generic_plans + custom_plans as runs, generic_plans > 0 as kept
        from pg_prepared_statements where name like 'select id, issued_at%'`
      )
      expect(statements).toEqual([{ name: expect.anything(), runs, kept: true }])
      const plan = yield* sql.unsafe(`explain execute "${statements[0]?.name}" ('${issuer}', '${app}')`)
      expect(JSON.stringify(plan)).toContain("Index Scan using clients_pkey")
    })
  )

  it.scopedLive("is prepared again after the server has refused it", () =>
    Effect.gen(function* () {
      const { clients, sql } = yield* connected
      yield* sql.unsafe("alter table clients rename to gone")
      yield* Effect.flip(clients.find(app))
      yield* sql.unsafe("alter table gone rename to clients")
      yield* clients.insert(client(app))
      expect(yield* clients.find(app)).toMatchObject({ value: { id: app } })
    })
  )
})
