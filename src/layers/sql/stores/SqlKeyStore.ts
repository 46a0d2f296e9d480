/**
 * Root keys, encrypted, in a SQL database. The state of a key follows from its row (see `KeyRow`). So each verb changes one
 * row, and two verbs that take the same turn collide.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Issuer } from "../../../domain/Issuer.js"
import { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import type { KeyStore } from "../../../services/stores/KeyStore.js"
import * as KeyRow from "./KeyRow.js"
import * as KeyStatements from "./KeyStatements.js"

/** Maximum number of retries after a collision. Two verbs that take the same turn collide, and one of them must read again. */
const collisions = 100

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<KeyStore> => {
  const statements = KeyStatements.make(sql, issuer)
  return {
    list: Effect.flatMap(statements.list({}), Effect.forEach(KeyRow.decode)),
    insertFirst: (key) => Effect.asVoid(statements.insertFirst(KeyRow.encode(key))),
    insertNext: (key) => Effect.map(statements.insertNext(KeyRow.encode(key)), (made) => made.length > 0),
    // On PostgreSQL a collision with a replacement is an error. The second attempt finds that the key is no longer the next key.
    promote: (id, now) =>
      Effect.map(
        Effect.retry(statements.promote({ id, now: now.epochMillis }), { times: 3 }),
        (changed) => changed.length > 0
      ),
    replace: (key, now) =>
      statements.replace({ ...KeyRow.encode(key), now: now.epochMillis }).pipe(
        Effect.repeat({ until: (made) => made.length > 0, times: collisions }),
        Effect.filterOrFail(
          (made) => made.length > 0,
          () => new TemporarilyUnavailable({ reason: "StoreBusy", description: "try again later" })
        ),
        Effect.asVoid
      ),
    remove: (id) => Effect.map(statements.remove({ id }), (removed) => removed.length > 0)
  }
}
