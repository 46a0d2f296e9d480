/**
 * Measures the settings of a SQLite file on a database with many grants: the time of a refresh (32 at once, group commit), the
 * time of the read of a guard while refreshes run, the longest pause of the event loop, and the size of the log.
 *
 * Usage, after `npm run build`: `node bench/storage.mjs [--grants 1000000] [--seconds 10] [--file FILE] [--set PRAGMA=VALUE]…`
 *
 * `--file` keeps the database for the next run. `--set` sets a pragma on both connections, after those of the server.
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { parseArgs } from "node:util"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Digest } from "#dist/domain/Digest"
import * as Grant from "#dist/domain/Grant"
import { Issuer } from "#dist/domain/Issuer"
import * as SqliteClient from "#dist/layers/sql/sqlite/SqliteClient"
import * as SqliteConnection from "#dist/layers/sql/sqlite/SqliteConnection"
import * as SqliteFile from "#dist/layers/sql/sqlite/SqliteFile"
import * as SqliteMigrator from "#dist/layers/sql/sqlite/SqliteMigrator"
import * as SqlStores from "#dist/layers/sql/stores/SqlStores"
import { GrantStore } from "#dist/services/stores/GrantStore"

const { values } = parseArgs({
  options: {
    grants: { type: "string", default: "1000000" },
    seconds: { type: "string", default: "10" },
    file: { type: "string" },
    set: { type: "string", multiple: true, default: [] }
  }
})
const count = Number(values.grants)

/** Number of concurrent refreshes. */
const concurrency = 32

const issuer = Issuer.make("https://auth.example.com")

/** @param {number} n */
const idOf = (n) => Grant.GrantId.make(`01${String(n).padStart(24, "0")}`, true)

/** @param {number} n @param {number} generation */
const digestOf = (n, generation) => Digest.make(`${n}-${generation}-`.padEnd(43, "x"), true)

const now = Date.now()

/** Inserts active grants as rows, each of the size that it has on a server. @param {string} path */
const fill = (path) => {
  const db = SqliteFile.openWriter(path)
  db.pragma("cache_size = -262144")
  const insert = db.prepare(`
    insert into grants (
      issuer, id, state, subject, client_id, redirect_uri, granted, session_id, authenticated_at, approved_at, expires_at,
      subject_epoch, client_epoch, consent_epoch, code_digest, code_challenge, code_expires_at, redeemed_at, redeemed_from,
      generation, token_digest, chain_key, rotated_at, idle_expires_at
    ) values (
      ?, ?, 'Active', ?, ?, 'https://client.example.com/callback', '{"https://auth.example.com/notes":"notes:read notes:write"}',
      ?, @now, @now, @later, 0, 1, 1, ?, ?, @now, @now, 'network-of-the-client-', 1, ?, ?, @now, @later
    )`)
  const client = db.prepare(`
    insert into clients (issuer, id, issued_at, origin, metadata, state, epoch) values (?, ?, ?, 'Operator', '{}', 'Enabled', 1)`)
  const consent = db.prepare(`
    insert into consents (issuer, subject, client_id, updated_at, epoch) values (?, ?, ?, ?, 1)`)
  const times = { now, later: now + 180 * 86_400_000 }
  db.exec("begin")
  for (let n = 0; n < 100; n++) client.run(issuer, `client-${n}`, now)
  for (let n = 0; n < count; n++) {
    const [subject, clientId] = [`person-${n >> 1}`, `client-${n % 100}`]
    consent.run(issuer, subject, clientId, now)
    const texts = [digestOf(n, 0), digestOf(n, 0), digestOf(n, 1), `lk_ck_aaaaaaaa${"k".repeat(100)}`]
    insert.run(issuer, idOf(n), subject, clientId, idOf(n), ...texts, times)
    if (n % 10_000 === 9_999) db.exec("commit; begin")
  }
  db.exec("commit")
  db.close()
}

/** @param {Array<number>} times @param {number} share */
const quantile = (times, share) => times.sort((a, b) => a - b)[Math.floor((times.length - 1) * share)] ?? Number.NaN

/** @param {Array<number>} times */
const told = (times) => [0.5, 0.99, 1].map((share) => quantile(times, share).toFixed(2)).join(" / ")

/** @param {string} path */
const open = (path) => {
  /** @param {import("better-sqlite3").Database} db */
  const set = (db) => {
    for (const pragma of values.set) db.pragma(pragma)
    return SqliteConnection.make(db)
  }
  return SqliteClient.make({
    reader: () => set(SqliteFile.openReader(path)),
    writer: () => set(SqliteFile.openWriter(path))
  })
}

/** @param {string} path */
const measure = (path) =>
  Effect.gen(function* () {
    const sql = yield* open(path)
    const grants = Context.get(SqlStores.make(sql, issuer), GrantStore)
    const until = performance.now() + Number(values.seconds) * 1000
    /** @type {Array<number>} */
    const refreshes = []
    /** @type {Array<number>} */
    const reads = []
    let log = 0
    const delay = monitorEventLoopDelay({ resolution: 1 })
    const busy = new Set()
    const refresh = Effect.gen(function* () {
      while (performance.now() < until) {
        const n = Math.floor(Math.random() * count)
        if (busy.has(n)) continue
        busy.add(n)
        const found = Option.getOrThrow(yield* grants.find(idOf(n)))
        if (!Grant.isRefreshable(found)) throw new Error(found._tag)
        const { generation } = found.chain.value
        const began = performance.now()
        const { _tag } = yield* grants.rotate({
          grantId: idOf(n),
          generation,
          digest: digestOf(n, generation),
          successor: digestOf(n, generation + 1),
          now: DateTime.unsafeMake(now + 1000),
          retryWindow: Duration.seconds(10),
          network: Option.none(),
          fromElsewhere: "Allow",
          idleExpiresAt: DateTime.unsafeMake(now + 86_400_000)
        })
        refreshes.push(performance.now() - began)
        if (_tag !== "Rotated") throw new Error(_tag)
        busy.delete(n)
      }
    })
    const guard = Effect.gen(function* () {
      while (performance.now() < until) {
        const began = performance.now()
        for (let i = 0; i < 4; i++)
          yield* grants.findActive(
            idOf(Math.floor(Math.random() * count)),
            DateTime.unsafeMake(now + 2000),
            Option.none()
          )
        reads.push((performance.now() - began) / 4)
        if (reads.length % 100 === 0) log = Math.max(log, Fs.statSync(`${path}-wal`).size)
        yield* Effect.async((resume) => void setImmediate(() => resume(Effect.void)))
      }
    })
    delay.enable()
    const cpu = process.cpuUsage()
    const commits = yield* sql.commits
    const workers = Array.from({ length: concurrency }, () => refresh)
    yield* Effect.all([guard, ...workers], { concurrency: "unbounded", discard: true })
    const { system, user } = process.cpuUsage(cpu)
    const done = refreshes.length
    console.log(
      `${values.set.join(", ") || "as the server"}: ${(done / Number(values.seconds)).toFixed(0)} refreshes a second`
    )
    console.log(`  refresh, ms (median / 99 % / max): ${told(refreshes)}`)
    console.log(`  read, ms: ${told(reads)}`)
    console.log(
      `  pause of the event loop, ms: ${[50, 99, 99.9, 100].map((p) => (delay.percentile(p) / 1e6).toFixed(1)).join(" / ")}`
    )
    console.log(`  transactions per 1,000 refreshes: ${((1000 * ((yield* sql.commits) - commits)) / done).toFixed(0)}`)
    console.log(
      `  CPU time of a refresh and its share of reads: ${((user + system) / done).toFixed(0)} µs; log: ${(log / 1e6).toFixed(1)} MB`
    )
  })

const main = Effect.gen(function* () {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "latchkey-storage-"))
  yield* Effect.addFinalizer(() => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true })))
  const path = Path.resolve(values.file ?? Path.join(folder, "auth.db"))
  if (!Fs.existsSync(path)) {
    yield* SqliteFile.prepare(path)
    yield* SqliteMigrator.run(path)
    const began = performance.now()
    fill(path)
    console.log(
      `${count} grants in ${((performance.now() - began) / 1000).toFixed(0)} s, ${(Fs.statSync(path).size / 1e6).toFixed(0)} MB`
    )
  }
  yield* Effect.scoped(measure(path))
})

await Effect.runPromise(Effect.scoped(main))
