import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { describe } from "vitest"
import { codeOf } from "../../../../src/layers/files/ErrorCode.js"
import type { SqliteConnection } from "../../../../src/layers/sql/sqlite/SqliteConnection.js"
import * as SqliteWriter from "../../../../src/layers/sql/sqlite/SqliteWriter.js"

const sqliteError = (code: string) => Object.assign(new Error(code), { code })

/**
 * A connection that only records its calls. `fails` returns the code with which a statement fails. A code that ends in "!" also
 * ends the transaction.
 */
const fake = (fails: (sql: string, nth: number) => string | undefined = () => undefined) => {
  const log: Array<string> = []
  let connections = 0
  const connect = (): SqliteConnection => {
    const name = ++connections
    let inTransaction = false
    const counts = new Map<string, number>()
    log.push(`${name}: open`)
    return {
      isReadonly: () => false,
      readRows: () => undefined,
      inTransaction: () => inTransaction,
      dataVersion: () => name,
      run: (sql) => {
        const nth = counts.get(sql) ?? 0
        counts.set(sql, nth + 1)
        log.push(`${name}: ${sql}`)
        const code = fails(sql, nth)
        if (code !== undefined) {
          if (code.endsWith("!")) inTransaction = false
          throw sqliteError(code.replace("!", ""))
        }
        if (sql === "BEGIN IMMEDIATE") inTransaction = true
        if (sql === "COMMIT" || sql === "ROLLBACK") inTransaction = false
        return sql
      },
      close: () => void log.push(`${name}: close`)
    }
  }
  return { connect, log }
}

/** Writes all texts at once, and returns the result of each: its text, or an error code. */
const writeAll = ({ write }: SqliteWriter.SqliteWriter, ...texts: ReadonlyArray<string>) =>
  Effect.forEach(
    texts,
    (text) => Effect.match(write(text, [], "Rows"), { onFailure: ({ cause }) => codeOf(cause), onSuccess: String }),
    { concurrency: "unbounded" }
  )

describe("a batch", () => {
  it.scopedLive("a batch is one transaction in the order of the writes", () =>
    Effect.gen(function* () {
      const { connect, log } = fake()
      const writer = yield* SqliteWriter.make(connect)
      expect(yield* writeAll(writer, "a", "b", "c")).toEqual(["a", "b", "c"])
      expect(log).toEqual(["1: open", "1: BEGIN IMMEDIATE", "1: a", "1: b", "1: c", "1: COMMIT"])
    })
  )

  it.scopedLive("a batch has at most 64 writes", () =>
    Effect.gen(function* () {
      const { connect, log } = fake()
      const writer = yield* SqliteWriter.make(connect)
      yield* writeAll(writer, ...Array.from({ length: 65 }, (_, i) => `${i}`))
      expect(log.slice(65)).toEqual(["1: 63", "1: COMMIT", "1: BEGIN IMMEDIATE", "1: 64", "1: COMMIT"])
    })
  )

  it.scopedLive("a batch continues after a statement that failed alone", () =>
    Effect.gen(function* () {
      const { connect, log } = fake((sql) => (sql === "b" ? "SQLITE_CONSTRAINT_UNIQUE" : undefined))
      const writer = yield* SqliteWriter.make(connect)
      expect(yield* writeAll(writer, "a", "b", "c")).toEqual(["a", "SQLITE_CONSTRAINT_UNIQUE", "c"])
      expect(log.at(-1)).toBe("1: COMMIT")
    })
  )

  it.scopedLive("a batch fails as a whole, and stops, when the transaction has ended", () =>
    Effect.gen(function* () {
      const { connect, log } = fake((sql, nth) => (sql === "b" && nth === 0 ? "SQLITE_CONSTRAINT_TRIGGER!" : undefined))
      const writer = yield* SqliteWriter.make(connect)
      expect(new Set(yield* writeAll(writer, "a", "b", "c"))).toEqual(new Set(["SQLITE_CONSTRAINT_TRIGGER"]))
      expect(log.slice(1)).toEqual(["1: BEGIN IMMEDIATE", "1: a", "1: b"])
      expect(yield* writeAll(writer, "b")).toEqual(["b"])
    })
  )

  it.scopedLive.each(["SQLITE_FULL", "SQLITE_NOMEM", "SQLITE_CORRUPT_VTAB"])(
    "a batch is rolled back as a whole after %s",
    (code) =>
      Effect.gen(function* () {
        const { connect, log } = fake((sql) => (sql === "b" ? code : undefined))
        const writer = yield* SqliteWriter.make(connect)
        expect(yield* writeAll(writer, "a", "b", "c")).toEqual([code, code, code])
        expect(log.slice(1)).toEqual(["1: BEGIN IMMEDIATE", "1: a", "1: b", "1: ROLLBACK"])
      })
  )

  it.scopedLive("a batch is rolled back as a whole when its commit fails", () =>
    Effect.gen(function* () {
      const { connect, log } = fake((sql, nth) =>
        sql === "COMMIT" && nth === 0 ? "SQLITE_CONSTRAINT_FOREIGNKEY" : undefined
      )
      const writer = yield* SqliteWriter.make(connect)
      const code = "SQLITE_CONSTRAINT_FOREIGNKEY"
      expect(yield* writeAll(writer, "a", "b")).toEqual([code, code])
      expect(log.at(-1)).toBe("1: ROLLBACK")
      expect(yield* writer.commits).toBe(0)
      expect(yield* writeAll(writer, "c")).toEqual(["c"])
      expect(yield* writer.commits).toBe(1)
    })
  )
})

describe("when the disk fails", () => {
  it.scopedLive.each([
    ["COMMIT", ["1: a", "1: b", "1: COMMIT", "1: ROLLBACK"]],
    ["b", ["1: a", "1: b", "1: ROLLBACK"]],
    ["BEGIN IMMEDIATE", []]
  ] as const)(
    "if the disk fails in %s, the batch fails, and the connection is opened again before the next write",
    ([where, ran]) =>
      Effect.gen(function* () {
        let broken = true
        const { connect, log } = fake((sql) => (broken && sql === where ? "SQLITE_IOERR_FSYNC" : undefined))
        const writer = yield* SqliteWriter.make(connect)
        expect(new Set(yield* writeAll(writer, "a", "b"))).toEqual(new Set(["SQLITE_IOERR_FSYNC"]))
        broken = false
        expect(yield* writeAll(writer, "c")).toEqual(["c"])
        const begun = ["1: open", "1: BEGIN IMMEDIATE", ...ran, "1: close"]
        expect(log).toEqual([...begun, "2: open", "2: BEGIN IMMEDIATE", "2: c", "2: COMMIT"])
      })
  )

  it.scopedLive("a connection that was opened while the file was read-only is opened again", () =>
    Effect.gen(function* () {
      const { connect, log } = fake((sql) =>
        sql === "BEGIN IMMEDIATE" && log.length < 3 ? "SQLITE_READONLY" : undefined
      )
      const writer = yield* SqliteWriter.make(connect)
      expect(yield* writeAll(writer, "a")).toEqual(["SQLITE_READONLY"])
      expect(yield* writeAll(writer, "b")).toEqual(["b"])
      expect(log).toEqual([
        ...["1: open", "1: BEGIN IMMEDIATE", "1: close"],
        ...["2: open", "2: BEGIN IMMEDIATE", "2: b", "2: COMMIT"]
      ])
    })
  )

  it.scopedLive("each write fails until the file can be opened again", () =>
    Effect.gen(function* () {
      let broken = true
      const { connect, log } = fake((sql) => (broken && sql === "COMMIT" ? "SQLITE_IOERR_WRITE" : undefined))
      let unreachable = false
      const writer = yield* SqliteWriter.make(() => {
        if (unreachable) throw sqliteError("SQLITE_CANTOPEN")
        return connect()
      })
      unreachable = true
      expect(yield* writeAll(writer, "a")).toEqual(["SQLITE_IOERR_WRITE"])
      expect(yield* writeAll(writer, "b", "c")).toEqual(["SQLITE_CANTOPEN", "SQLITE_CANTOPEN"])
      broken = false
      unreachable = false
      expect(yield* writeAll(writer, "d")).toEqual(["d"])
      expect(log.slice(-4)).toEqual(["2: open", "2: BEGIN IMMEDIATE", "2: d", "2: COMMIT"])
    })
  )
})

describe("when the lock is held", () => {
  it.scopedLive("a batch is retried with new writes and without interrupted ones while the file is locked", () =>
    Effect.gen(function* () {
      const { connect, log } = fake((sql, nth) => (sql === "BEGIN IMMEDIATE" && nth < 3 ? "SQLITE_BUSY" : undefined))
      const writer = yield* SqliteWriter.make(connect)
      const first = yield* Effect.fork(writeAll(writer, "a"))
      const leaves = yield* Effect.fork(writeAll(writer, "b"))
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* Fiber.interrupt(leaves)
      expect(yield* writeAll(writer, "c")).toEqual(["c"])
      expect(yield* Fiber.join(first)).toEqual(["a"])
      expect(log.slice(1)).toEqual([...Array(4).fill("1: BEGIN IMMEDIATE"), "1: a", "1: c", "1: COMMIT"])
    })
  )

  it.scopedLive("each write waits for a lock for two seconds", () =>
    Effect.gen(function* () {
      const { connect, log } = fake((sql) => (sql === "BEGIN IMMEDIATE" ? "SQLITE_BUSY" : undefined))
      const writer = yield* SqliteWriter.make(connect)
      const begun = performance.now()
      const waited = (text: string) =>
        Effect.map(writeAll(writer, text), (ended) => [ended, performance.now() - begun] as const)
      const early = yield* Effect.fork(waited("a"))
      yield* Effect.sleep("500 millis")
      const [[lateEnd, late], [earlyEnd, first]] = [yield* waited("b"), yield* Fiber.join(early)]
      expect([earlyEnd, lateEnd]).toEqual([["SQLITE_BUSY"], ["SQLITE_BUSY"]])
      expect(first).toBeGreaterThan(1990)
      expect(late).toBeGreaterThan(first + 400)
      expect(log.length).toBeLessThan(300)
    })
  )
})

describe("when the scope ends", () => {
  it.scopedLive("closing completes the waiting writes and merges the log, and later writes fail", () =>
    Effect.gen(function* () {
      const { connect, log } = fake()
      const [writer, waiting] = yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* SqliteWriter.make(connect)
          const waiting = yield* Effect.forkDaemon(writer.write("a", [], "Rows"))
          yield* Effect.yieldNow()
          return [writer, waiting] as const
        })
      )
      expect(yield* Fiber.join(waiting)).toBe("a")
      expect(log.slice(-3)).toEqual(["1: COMMIT", "1: PRAGMA wal_checkpoint(TRUNCATE)", "1: close"])
      expect(Exit.isFailure(yield* Effect.exit(writer.write("b", [], "Rows")))).toBe(true)
      expect(log.at(-1)).toBe("1: close")
    })
  )
})
