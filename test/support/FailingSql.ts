/** A client whose statements can be made to fail: before they reach the database, or when they are done and nobody hears. */
import type * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import type * as Statement from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type { IsToFail } from "../../src/testing/StorageContract.js"

// The members of a client are looked up by name.
// @effect-diagnostics anyUnknownInErrorContext:off

const broken = new SqlError({ message: "the statement failed", cause: new Error("a fault of the test's") })

/** The same client, which asks around each statement. */
export const failing = <Client extends SqlClient.SqlClient>(sql: Client, isToFail: IsToFail): Client => {
  const ask = (when: "Before" | "After") => Effect.suspend(() => (isToFail(when) ? broken : Effect.void))
  const around = (statement: unknown): unknown => {
    const { withConnection } = statement as {
      withConnection: (...use: ReadonlyArray<unknown>) => Statement.Statement<unknown>
    }
    return Object.assign(statement as object, {
      withConnection: (...use: ReadonlyArray<unknown>) =>
        ask("Before").pipe(Effect.zipRight(Reflect.apply(withConnection, statement, use)), Effect.zipLeft(ask("After")))
    })
  }
  return new Proxy(sql, {
    apply: (target, self, parameters) => {
      const made = Reflect.apply(target as unknown as (...all: ReadonlyArray<unknown>) => unknown, self, parameters)
      return typeof made === "object" && made !== null && "withConnection" in made ? around(made) : made
    },
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name)
      if (name === "unsafe" && typeof member === "function") {
        return (...parameters: ReadonlyArray<unknown>) => around(Reflect.apply(member, target, parameters))
      }
      if ((name === "direct" || name === "transaction") && typeof member === "function") {
        return (...parameters: ReadonlyArray<unknown>) =>
          ask("Before").pipe(
            Effect.zipRight(
              Effect.suspend(() => {
                const answer: unknown = Reflect.apply(member, target, parameters)
                return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
              })
            ),
            Effect.zipLeft(ask("After"))
          )
      }
      return member
    }
  })
}
