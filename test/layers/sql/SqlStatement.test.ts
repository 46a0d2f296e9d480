import type * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe, expectTypeOf } from "vitest"
import { Issuer } from "../../../src/domain/Issuer.js"
import * as SqlFailure from "../../../src/layers/sql/SqlFailure.js"
import * as SqlStatement from "../../../src/layers/sql/SqlStatement.js"

const issuer = Issuer.make("https://auth.example.com")

/** A client of a dialect that records its statements. */
const recording = (dialect: "sqlite" | "pg") => {
  const seen: Array<readonly [text: string, values: ReadonlyArray<unknown>]> = []
  const client = {
    onDialectOrElse: (options: { readonly orElse: () => unknown; readonly pg?: () => unknown }) =>
      dialect === "pg" && options.pg ? options.pg() : options.orElse(),
    unsafe: (text: string, values: ReadonlyArray<unknown>) => {
      seen.push([text, values])
      return Effect.succeed([])
    }
  } as unknown as SqlClient.SqlClient
  return { client, seen }
}

const text = "select a from t where issuer = :issuer and b = :bee and (c > :sea or d = :bee)"

describe("a text", () => {
  it.effect.each([
    ["sqlite", "select a from t where issuer = ? and b = ? and (c > ? or d = ?)"],
    ["pg", "select a from t where issuer = $1 and b = $2 and (c > $3 or d = $4)"]
  ] as const)("a statement has the placeholders of %s and its values in their order", ([dialect, expected]) =>
    Effect.gen(function* () {
      const { client, seen } = recording(dialect)
      yield* SqlStatement.queries(client, issuer)(text)({ bee: "b", sea: 3 })
      expect(seen).toEqual([[expected, [issuer, "b", 3, "b"]]])
    })
  )

  it.effect("a statement requires exactly its parameters except the issuer", () =>
    Effect.sync(() => {
      expectTypeOf<SqlStatement.Parameters<typeof text>>().toEqualTypeOf<{
        readonly bee: SqlStatement.Value
        readonly sea: SqlStatement.Value
      }>()
      expectTypeOf<SqlStatement.Parameters<"select 1 where issuer = :issuer">>().toEqualTypeOf<{}>()
    })
  )
})

describe("an error of the database", () => {
  it.effect.each([
    ["SQLITE_BUSY", "StoreBusy"],
    ["SQLITE_BUSY_RECOVERY", "StoreBusy"],
    ["SQLITE_LOCKED_SHAREDCACHE", "StoreBusy"],
    ["SQLITE_BUSYNESS", "StoreFailed"],
    ["SQLITE_FULL", "StoreFailed"],
    ["SQLITE_CONSTRAINT_UNIQUE", "StoreFailed"],
    ["", "StoreFailed"]
  ] as const)(
    "the database error %s is %s to the port, with the message of the driver and none of its values",
    ([code, reason]) =>
      Effect.sync(() => {
        const cause = Object.assign(new Error("it went wrong"), { code, detail: "Key (username)=(hunter2)" })
        const error = SqlFailure.unavailable(new SqlError({ cause }))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason })
        expect(error.cause).toMatchObject({ code, message: "it went wrong" })
        expect(JSON.stringify(error.cause)).not.toContain("hunter2")
      })
  )
})
