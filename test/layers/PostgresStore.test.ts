/** A PostgreSQL that breaks connections, goes, comes back, and takes its time. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import Pg from "pg"
import { Issuer } from "../../src/domain/Issuer.js"
import * as PostgresStore from "../../src/layers/PostgresStore.js"
import { migrations } from "../../src/layers/sql/migrations.js"
import { AccountStore } from "../../src/services/AccountStore.js"
import { ClientStore } from "../../src/services/ClientStore.js"
import { ConsentStore } from "../../src/services/ConsentStore.js"
import { GrantStore } from "../../src/services/GrantStore.js"
import { Storage } from "../../src/services/Storage.js"
import { account, alice, app, client, consent, grant, redemption, rotation, token } from "../contract/fixtures.js"
import * as Postgres from "../support/Postgres.js"
import * as PostgresServer from "../support/PostgresServer.js"

const issuer = Issuer.make("https://auth.example.com")

type Changes = Partial<PostgresStore.Options>

const open = (url: Redacted.Redacted, changes: Changes = {}) =>
  Layer.build(PostgresStore.layer({ url, masterKey: Redacted.make(new Uint8Array(32)), ...changes })).pipe(
    Effect.map((context) => Context.get(context, Storage).stores(issuer))
  )

/** A grant whose code was redeemed. */
const active = (stores: Effect.Effect.Success<ReturnType<typeof open>>) =>
  Effect.gen(function* () {
    const grants = Context.get(stores, GrantStore)
    yield* Context.get(stores, AccountStore).insert(account(alice))
    yield* Context.get(stores, ClientStore).insert(client(app))
    yield* Context.get(stores, ConsentStore).record(consent())
    yield* grants.approve(grant())
    yield* grants.redeem(redemption(grant()))
    return grants
  })

const terminate = `select count(pg_terminate_backend(pid)) from pg_stat_activity
  where application_name = 'latchkey' and datname = current_database()`

describe.skipIf(Postgres.missing)(Postgres.named("a store on PostgreSQL"), () => {
  it.scopedLive("whose connections are ended again and again fails as unavailable at worst, and loses no answer", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      const grants = yield* active(yield* open(url))
      const ending = yield* Effect.forkScoped(
        Effect.forever(Effect.promise(() => Postgres.query(Redacted.value(url), terminate)))
      )
      let [generation, failures] = [1, 0]
      while (generation < 40 || failures === 0) {
        const answer = yield* Effect.either(grants.rotate(rotation(grant(), generation, 2000)))
        if (answer._tag === "Left") {
          failures++
          expect(answer.left._tag).toBe("TemporarilyUnavailable")
        } else {
          // Whether the statement before was done or not, this is the same token's successor.
          expect(["Rotated", "Retried"]).toContain(answer.right._tag)
          generation++
        }
      }
      yield* Fiber.interrupt(ending)
      const found = Option.getOrThrow(yield* Effect.retry(grants.find(grant().terms.id), { times: 10 }))
      expect(found._tag === "Active" && Option.getOrThrow(found.chain)).toMatchObject({
        generation,
        digest: token(generation)
      })
    })
  )

  it.scopedLive(
    "that is stopped and started is unavailable meanwhile, and goes on by itself with all that was answered",
    () =>
      Effect.gen(function* () {
        const server = yield* Effect.acquireRelease(
          Effect.promise(() => PostgresServer.start()),
          (server) => Effect.promise(() => server.stop())
        )
        const url = Redacted.make(yield* Effect.promise(() => server.create()))
        const grants = yield* active(yield* open(url))
        yield* Effect.promise(() => server.halt())
        const refused = yield* Effect.flip(grants.rotate(rotation(grant(), 1, 2000)))
        expect(refused).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
        yield* Effect.promise(() => server.resume())
        expect((yield* Effect.retry(grants.rotate(rotation(grant(), 1, 2000)), { times: 10 }))._tag).toBe("Rotated")
      })
  )

  it.scopedLive(
    "all of whose connections are in use, or that is waited for too long, is unavailable, and then not",
    () =>
      Effect.gen(function* () {
        const url = yield* Postgres.database
        const grants = yield* active(yield* open(url, { maxConnections: 1, timeout: "300 millis" }))
        const other = yield* Effect.acquireRelease(
          Effect.promise(async () => {
            const client = new Pg.Client({ connectionString: Redacted.value(url) })
            await client.connect()
            await client.query("begin; select 1 from latchkey.grants for update")
            return client
          }),
          (client) => Effect.promise(() => client.end())
        )
        const answers = yield* Effect.all(
          Array.from({ length: 6 }, () => Effect.either(grants.rotate(rotation(grant(), 1, 2000)))),
          { concurrency: "unbounded" }
        )
        expect(answers.map(({ _tag }) => _tag)).toEqual(Array.from({ length: 6 }, () => "Left"))
        yield* Effect.promise(() => other.query("rollback"))
        expect((yield* grants.rotate(rotation(grant(), 1, 2000)))._tag).toBe("Rotated")
      })
  )

  it.scopedLive("is not opened on a server that takes no writes, nor on a schema of a later version", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      yield* open(url)
      const query = (text: string) => Effect.promise(() => Postgres.query(Redacted.value(url), text))
      yield* query(`insert into latchkey.schema_versions (version, name) values (999, 'later')`)
      expect(yield* Effect.flip(open(url))).toMatchObject({ _tag: "StorageOpenError", reason: "Newer" })
      yield* query("delete from latchkey.schema_versions where version = 999")
      const name = new URL(Redacted.value(url)).pathname.slice(1)
      yield* query(`alter database ${name} set default_transaction_read_only = on`)
      expect(yield* Effect.flip(open(url))).toMatchObject({ _tag: "StorageOpenError", reason: "NotWritable" })
    })
  )

  it.scopedLive("is made once by all nodes that start at once on an empty database", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      yield* Effect.all(
        Array.from({ length: 6 }, () => open(url, { maxConnections: 1, timeout: "20 seconds" })),
        { concurrency: "unbounded" }
      )
      const found = yield* Effect.promise(() =>
        Postgres.query(Redacted.value(url), "select count(*)::int as versions from latchkey.schema_versions")
      )
      expect(found).toEqual([{ versions: migrations.length }])
    })
  )
})
