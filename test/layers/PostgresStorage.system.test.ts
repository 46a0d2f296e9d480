/** Failures of PostgreSQL: the answers to callers, the state of the rows, and the recovery. */
import { inspect } from "node:util"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import Pg from "pg"
import { Issuer } from "../../src/domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../src/domain/OAuthError.js"
import * as PostgresStorage from "../../src/layers/PostgresStorage.js"
import { migrations } from "../../src/layers/sql/migrations.js"
import { GrantStore } from "../../src/services/stores/GrantStore.js"
import { HighWaterMark } from "../../src/services/stores/HighWaterMark.js"
import { Storage } from "../../src/services/stores/Storage.js"
import {
  active,
  approved,
  at,
  grant,
  grantId,
  introduce,
  redemption,
  rotation,
  second,
  token
} from "../../src/testing/contracts/fixtures.js"
import * as Nodes from "../../src/testing/contracts/Nodes.js"
import * as Postgres from "../support/Postgres.js"
import * as PostgresServer from "../support/PostgresServer.js"
import * as Relay from "../support/Relay.js"

type Options = { readonly maxConnections?: number; readonly timeout?: Duration.DurationInput }

const open = (url: Redacted.Redacted, options: Options = {}) =>
  Layer.build(Nodes.one(PostgresStorage.layer({ url, masterKey: Redacted.make(new Uint8Array(32)), ...options })))

/** The result of an effect on the storage of this database. */
const given = <A, E>(url: Redacted.Redacted, what: Effect.Effect<A, E, Nodes.Nodes>, options?: Options) =>
  Effect.flatMap(open(url, options), (nodes) => Effect.provide(what, nodes))

const ask = (url: Redacted.Redacted, text: string) => Effect.promise(() => Postgres.query(Redacted.value(url), text))

/** Another connection than those of the storage. */
const beside = (url: Redacted.Redacted) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new Pg.Client({ connectionString: Redacted.value(url) })
      await client.connect()
      return client
    }),
    (client) => Effect.promise(() => client.end())
  ).pipe(Effect.map((client) => (text: string) => client.query(text)))

/** Retries until the storage answers again. The recovery is promised, not its time. */
const healed = <A>(self: Effect.Effect<A, TemporarilyUnavailable>) =>
  Effect.retry(self, { while: ({ _tag }) => _tag === "TemporarilyUnavailable" })

const issuer = Issuer.make("https://auth.example.com")

const unavailable = { _tag: "TemporarilyUnavailable", reason: "StoreFailed" }

/** Ends every connection of storages to this database. */
const terminate = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name = 'latchkey'`

describe.skipIf(Postgres.missing)(Postgres.named("a store in PostgreSQL"), () => {
  it.scopedLive(
    "a storage that cannot extend its tables is not healthy until it can, although a small write succeeds",
    () =>
      Effect.gen(function* () {
        const url = yield* Postgres.database
        const context = yield* Layer.build(PostgresStorage.layer({ url, masterKey: Redacted.make(new Uint8Array(32)) }))
        const { check, outage, stores } = Context.get(context, Storage)
        const grants = Context.get(stores(issuer), GrantStore)
        yield* check
        const query = yield* beside(url)
        // The answer of the server when the file of a table cannot grow.
        yield* Effect.promise(async () => {
          await query(`create function latchkey.full() returns trigger language plpgsql as $$
          begin raise exception 'could not extend file' using errcode = '53100'; end $$`)
          for (const table of ["grants", "leases"])
            await query(`create trigger full_${table} before insert on latchkey.${table}
            for each row execute function latchkey.full()`)
        })
        expect(yield* Effect.flip(grants.approve(grant()))).toMatchObject(unavailable)
        expect(yield* outage).toMatchObject({ code: "53100", remedy: expect.stringContaining("is full") })
        yield* Context.get(stores(issuer), HighWaterMark).note(at(0), Duration.hours(1))
        expect(yield* Effect.flip(check)).toMatchObject(unavailable)
        yield* Effect.promise(() => query("drop function latchkey.full() cascade"))
        yield* check
        expect(yield* grants.approve(grant())).toBe("Approved")
        // The probe leaves no row.
        expect(yield* ask(url, "select * from latchkey.leases")).toMatchObject([])
      })
  )

  it.scopedLive("no chain forks while connections are ended again and again", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      const { grants } = yield* given(url, Effect.tap(Nodes.fresh, introduce))
      const each = [1, 2, 3, 4, 5, 6].map((n) => grant({ id: grantId(n) }))
      yield* Effect.forEach(each, (grant) => Effect.zipRight(grants.approve(grant), grants.redeem(redemption(grant))))
      const query = yield* beside(url)
      let ended = 0
      let isOver = false

      /** Refreshes like an honest client, which keeps its token until it has the next one. */
      const refresh = (grant: (typeof each)[number]) =>
        Effect.iterate(1, {
          while: () => !isOver,
          body: (generation) =>
            grants.rotate(rotation(grant, generation, second)).pipe(
              Effect.map((answer) => {
                if (answer._tag !== "Rotated" && answer._tag !== "Retried") throw new Error(answer._tag)
                expect(answer.grant.chain.value.digest).toBe(token(generation + 1))
                return generation + 1
              }),
              Effect.catchTag("TemporarilyUnavailable", () => Effect.succeed(generation))
            )
        })
      const refreshing = yield* Effect.fork(Effect.forEach(each, refresh, { concurrency: "unbounded" }))
      yield* Effect.promise(async () => {
        for (let round = 0; round < 20 || ended < 20; round++) ended += (await query(terminate)).rowCount ?? 0
        isOver = true
      })
      const reached = yield* Fiber.join(refreshing)
      for (const [i, grant] of each.entries()) {
        const generation = reached[i] as number
        const answer = yield* healed(grants.rotate(rotation(grant, generation, second)))
        expect(answer).toMatchObject({ grant: { chain: { value: { generation: generation + 1 } } } })
      }
    })
  )

  it.scopedLive("the storage fails while the server is stopped and recovers when it starts", () =>
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.promise(() => PostgresServer.start()),
        (server) => Effect.promise(() => server.stop())
      )
      const { grant, grants } = yield* given(Redacted.make(server.url("postgres")), active)
      yield* Effect.promise(server.pause)
      expect(yield* Effect.flip(grants.rotate(rotation(grant, 1, second)))).toMatchObject(unavailable)
      yield* Effect.promise(server.resume)
      expect((yield* healed(grants.rotate(rotation(grant, 1, second))))._tag).toBe("Rotated")
    })
  )

  it.scopedLive("a storage whose only connection waits for a lock fails in time, changes nothing, and recovers", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      const { grant, grants } = yield* given(url, active, { maxConnections: 1, timeout: "200 millis" })
      const query = yield* beside(url)
      yield* Effect.promise(() => query("begin"))
      yield* Effect.promise(() => query("select from latchkey.grants for update"))
      const refresh = Effect.flip(grants.rotate(rotation(grant, 1, second)))
      const errors = yield* Effect.all([refresh, refresh, refresh], { concurrency: "unbounded" })
      for (const error of errors) expect(error).toMatchObject(unavailable)
      yield* Effect.promise(() => query("rollback"))
      expect((yield* healed(grants.rotate(rotation(grant, 1, second))))._tag).toBe("Rotated")
    })
  )

  it.scopedLive("a statement of an interrupted caller is completed, and no other statement is cancelled", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      const { grant, grants } = yield* given(url, active, { timeout: "30 seconds" })
      const query = yield* beside(url)
      yield* Effect.promise(() => query("begin"))
      yield* Effect.promise(() => query("select from latchkey.grants for update"))
      const refreshing = yield* Effect.fork(grants.rotate(rotation(grant, 1, second)))
      const waits = ask(
        url,
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
      )
      yield* Effect.repeat(waits, { until: ({ length }) => length === 1 })
      const leaving = yield* Effect.fork(Fiber.interrupt(refreshing))
      // A cancellation by another connection of the pool would have come before this.
      yield* grants.find(grant.terms.id)
      yield* Effect.yieldNow()
      yield* Effect.promise(() => query("rollback"))
      yield* Fiber.join(leaving)
      expect(yield* grants.find(grant.terms.id)).toMatchObject({ value: { chain: { value: { generation: 2 } } } })
    })
  )

  it.scopedLive("a storage opens a new connection if the network does not answer any more", () =>
    Effect.gen(function* () {
      const relay = yield* Relay.to(yield* Postgres.database)
      const { grant, grants } = yield* given(relay.url, active, { maxConnections: 1, timeout: "200 millis" })
      relay.stall()
      expect((yield* healed(grants.rotate(rotation(grant, 1, second))))._tag).toBe("Rotated")
    })
  )

  it.scopedLive("a connection to a server that became a standby is refused", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      const { grant, grants } = yield* given(url, active)
      const name = new URL(Redacted.value(url)).pathname.slice(1)
      yield* ask(url, `alter database ${name} set default_transaction_read_only = on`)
      yield* ask(url, terminate)
      const error = yield* Effect.flip(Effect.repeat(grants.find(grant.terms.id), { while: () => true }))
      expect(error).toMatchObject(unavailable)
      expect(yield* Effect.flip(open(url))).toMatchObject({ _tag: "StorageOpenError", reason: "NotWritable" })
      yield* ask(url, `begin read write; alter database ${name} reset default_transaction_read_only; commit`)
      expect((yield* healed(grants.rotate(rotation(grant, 1, second))))._tag).toBe("Rotated")
    })
  )

  it.scopedLive("the error of a refused row contains none of its values", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      const { grant, grants } = yield* given(url, approved)
      yield* ask(url, "alter table latchkey.grants add constraint nothing check (false) not valid")
      const failures = [
        yield* Effect.flip(grants.redeem(redemption(grant))),
        yield* Effect.flip(grants.approve({ ...grant, terms: { ...grant.terms, id: grantId(2) } }))
      ]
      for (const error of failures) {
        expect(error).toMatchObject({ ...unavailable, cause: { code: "23514" } })
        const told = inspect(error, { depth: null, showHidden: true }) + inspect(error.cause, { depth: null })
        for (const value of [grant.code.digest, token(1), "lk_ck_sealed", grant.terms.redirectUri]) {
          expect(told).not.toContain(value)
        }
      }
    })
  )
})

describe.skipIf(Postgres.missing)(Postgres.named("the schema in PostgreSQL"), () => {
  const versions = "select version from latchkey.schema_versions order by version"

  it.scopedLive("nodes that start at once make the schema once", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      yield* Effect.all([open(url), open(url), open(url), open(url)], { concurrency: "unbounded" })
      expect(yield* ask(url, versions)).toEqual(migrations.map(({ version }) => ({ version })))
    })
  )

  it.scopedLive("an interrupted migration leaves nothing of the schema", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      const relay = yield* Relay.to(url)
      relay.cutBefore("rate_limits")
      expect(yield* Effect.flip(open(relay.url))).toMatchObject({ _tag: "StorageOpenError", reason: "Unreachable" })
      expect(yield* ask(url, "select to_regnamespace('latchkey') as schema")).toEqual([{ schema: null }])
      yield* open(relay.url)
      expect(yield* ask(url, versions)).toHaveLength(migrations.length)
    })
  )

  it.scopedLive("a schema of a later version is refused and not changed", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      yield* Effect.scoped(open(url))
      yield* ask(url, "insert into latchkey.schema_versions (version, name) values (999, 'later')")
      expect(yield* Effect.flip(open(url))).toMatchObject({ _tag: "StorageOpenError", reason: "Newer" })
    })
  )
})
