/**
 * Measures that refreshes add no rows: after a million refreshes of a thousand grants, by the server's refresh grant on a
 * SQLite file, there are a thousand grant rows, and no other table has grown. Prints the row counts after each tenth; exits 1
 * if a refresh failed or a table has grown.
 *
 * Usage, after `npm run build`: `node bench/refreshes.mjs [--grants 1000] [--refreshes 1000000] [--json]`
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ResourceIndicator } from "#dist/domain/Resource"
import * as SqliteStorage from "#dist/layers/SqliteStorage"
import * as AuthServer from "#dist/layers/wiring/AuthServer"
import * as RefreshTokenGrant from "#dist/services/grants/RefreshTokenGrant"
import { Storage } from "#dist/services/stores/Storage"
import { makeGrants } from "./lib/grants.mjs"

const { values } = parseArgs({
  options: {
    grants: { type: "string", default: "1000" },
    refreshes: { type: "string", default: "1000000" },
    json: { type: "boolean", default: false }
  }
})
const [grantCount, refreshCount] = [Number(values.grants), Number(values.refreshes)]

/** Number of concurrent refreshes. Concurrent refreshes share their commits. */
const concurrency = Math.min(64, grantCount)

const issuer = "https://auth.example.com"
const resource = ResourceIndicator.make(`${issuer}/notes`)

/** @param {Sqlite.Database} db */
const tablesOf = (db) =>
  db.prepare("select name from sqlite_schema where type = 'table' order by name").pluck().all().map(String)

/** @param {string} path */
const holdings = (path) => {
  const db = new Sqlite(path, { readonly: true })
  try {
    const rows = Object.fromEntries(
      tablesOf(db).map((table) => [table, Number(db.prepare(`select count(*) from ${table}`).pluck().get())])
    )
    return { rows, bytes: Fs.statSync(path).size, log: Fs.statSync(`${path}-wal`).size }
  } finally {
    db.close()
  }
}

/** @param {string} text */
const say = (text) => Effect.sync(() => values.json || process.stdout.write(`${text}\n`))

/** @param {string} path */
const program = (path) =>
  Effect.gen(function* () {
    const { client, tokens } = yield* makeGrants({
      metadata: { grant_types: ["authorization_code", "refresh_token"], token_endpoint_auth_method: "none" },
      count: grantCount,
      resource,
      scope: "notes:read",
      concurrency
    })
    const handle = yield* RefreshTokenGrant.make
    const before = holdings(path)
    const began = performance.now()
    let done = 0
    const report = () => {
      const { bytes, log, rows } = holdings(path)
      const seconds = ((performance.now() - began) / 1000).toFixed(0)
      const size = `file ${(bytes / 1024).toFixed(0)} KiB, log ${(log / 1024).toFixed(0)} KiB`
      return say(`${done} refreshes, ${seconds} s: ${rows.grants} grants, ${rows.events} events, ${size}`)
    }
    yield* report()
    const tenth = Math.max(1, Math.floor(refreshCount / 10))
    // Each worker has its own grants, so that no refresh is a retry of another.
    /** @param {number} first */
    const walk = (first) =>
      Effect.gen(function* () {
        const own = Array.from(tokens.keys()).filter((place) => place % concurrency === first)
        for (let i = first, turn = 0; i < refreshCount; i += concurrency, turn++) {
          const place = own[turn % own.length] ?? first
          const token = Redacted.value(tokens[place] ?? Redacted.make(""))
          const request = { refreshToken: token, scope: undefined, resource: [resource] }
          const { refreshToken } = yield* handle(request, client, {
            network: Option.some("192.0.2.1")
          })
          tokens[place] = Option.getOrThrow(refreshToken)
          done++
          if (done % tenth === 0) yield* report()
        }
      })
    yield* Effect.forEach(
      Array.from({ length: concurrency }, (_, i) => i),
      walk,
      { concurrency, discard: true }
    )
    // When the services are closed, the events of the background have been stored.
    return { before, seconds: (performance.now() - began) / 1000 }
  })

const main = Effect.gen(function* () {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "latchkey-refreshes-"))
  const path = Path.join(folder, "auth.db")
  yield* Effect.addFinalizer(() => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true })))
  const storage = Context.get(yield* Layer.build(SqliteStorage.layer({ filename: path })), Storage)
  const services = AuthServer.layerServices({
    issuer,
    resources: [{ uri: resource, scopes: { "notes:read": "Read your notes" } }]
  }).pipe(Layer.provide(Layer.succeed(Storage, storage)))
  const { before, seconds } = yield* Effect.provide(program(path), services)
  const after = holdings(path)
  yield* say(`${Math.round(refreshCount / seconds)} refreshes a second, ${concurrency} at once`)
  const days = Math.floor(seconds / 86_400) + 1
  // One event for each grant and day is stored (ADR 24), so none if midnight did not pass.
  /** @param {string} table */
  const bound = (table) => (before.rows[table] ?? 0) + (table === "events" ? grantCount * days : 0)
  const grown = Object.keys(after.rows).filter((table) => (after.rows[table] ?? 0) > bound(table))
  if (values.json) process.stdout.write(`${JSON.stringify({ refreshes: refreshCount, seconds, before, after })}\n`)
  yield* say(grown.length === 0 ? "No table has grown" : `Grown: ${grown.join(", ")}`)
  if (grown.length > 0 || after.rows.grants !== grantCount) process.exitCode = 1
})

await Effect.runPromise(main.pipe(Effect.scoped, Effect.provide(Logger.minimumLogLevel(LogLevel.Error))))
