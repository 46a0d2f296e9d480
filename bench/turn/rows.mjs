/** The rows of a refresh on one connection of SQLite, read and written by functions that answer at once. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Client from "#dist/domain/Client"
import * as Grant from "#dist/domain/Grant"
import * as SqlRow from "#dist/layers/sql/SqlRow"
import * as GrantRow from "#dist/layers/sql/stores/GrantRow"
import * as GrantStatements from "#dist/layers/sql/stores/GrantStatements"
import * as SqlClientStore from "#dist/layers/sql/stores/SqlClientStore"

/** @typedef {import("#dist/layers/sql/sqlite/SqliteConnection").SqliteConnection} Connection */
/** @typedef {import("#dist/layers/sql/SqlStatement").Observed} Sql */
/** @typedef {Readonly<Record<string, string | number | null>>} Values */

/**
 * The rows of one issuer, read and written at once. Each statement is the server's: it is recorded with the names of its
 * parameters as their values.
 *
 * @param {Connection} connection
 * @param {import("#dist/domain/Issuer").Issuer} issuer
 */
export const makeRows = (connection, issuer) => {
  /** @param {(sql: Sql) => Effect.Effect<unknown, unknown>} use */
  const statement = (use) => {
    let recorded = { text: "", names: /** @type {ReadonlyArray<unknown>} */ ([]) }
    /** @type {unknown} */
    const recorder = {
      onDialectOrElse: (/** @type {Record<string, () => unknown>} */ { orElse, sqlite }) => (sqlite ?? orElse)?.(),
      direct: (/** @type {string} */ text, /** @type {ReadonlyArray<unknown>} */ names) => {
        recorded = { text, names }
        return []
      }
    }
    // The recorder has no rows, so its users may fail in any way.
    // @effect-diagnostics-next-line anyUnknownInErrorContext:off
    Effect.runSync(Effect.either(use(/** @type {Sql} */ (recorder))))
    const { names, text } = recorded
    return (/** @type {Values} */ values) => {
      const all = names.map((name) => (name === issuer ? issuer : values[String(name)]))
      return /** @type {ReadonlyArray<Record<string, unknown>>} */ (connection.run(text, all, "Rows"))
    }
  }
  const grants = (/** @type {Sql} */ sql) => GrantStatements.make(sql, issuer)
  const findClient = statement((sql) => SqlClientStore.make(sql, issuer).find(Client.ClientId.make("id")))
  const findGrant = statement((sql) => grants(sql).find({ id: "id" }))
  const findWithEpochs = statement((sql) => grants(sql).findWithEpochs({ id: "id" }))
  const revoke = statement((sql) => grants(sql).revoke({ id: "id", reason: "reason", now: "now" }))
  const rotate = statement((sql) => {
    const times = { now: "now", burstOver: "burstOver", idleExpiresAt: "idleExpiresAt" }
    const token = { id: "id", generation: "generation", tokenDigest: "tokenDigest", successor: "successor" }
    return grants(sql).rotate({ ...token, ...times, network: "network" })
  })
  // The decoder of clients is private to its store, so the store decodes a row, once as long as it stays the same.
  const decodeClient = SqlRow.remembering(
    (row) => {
      /** @type {unknown} */
      const sql = {
        onDialectOrElse: (/** @type {any} */ { orElse, sqlite }) => (sqlite ?? orElse)(),
        direct: () => [row]
      }
      const store = SqlClientStore.make(/** @type {Sql} */ (sql), issuer)
      return Effect.runSync(Effect.either(store.find(Client.ClientId.make("id"))))
    },
    "id",
    256
  )
  const grantOf = (/** @type {object | undefined} */ row) =>
    row === undefined ? Option.none() : Option.some(Either.getOrThrow(GrantRow.decode(row)))
  return {
    client: (/** @type {Client.ClientId} */ id) => {
      const [row] = findClient({ id })
      return row === undefined ? Option.none() : Either.getOrThrow(decodeClient(row))
    },
    grant: (/** @type {Grant.GrantId} */ id) => grantOf(findGrant({ id })[0]),
    // `SqlGrantStore.rotate` is this function with `yield*`.
    rotate: (/** @type {Grant.Rotation} */ rotation) => {
      const { grantId: id, idleExpiresAt, now, retryWindow } = rotation
      const window = Duration.toMillis(retryWindow)
      const changed = rotate({
        id,
        generation: rotation.generation,
        tokenDigest: rotation.digest,
        successor: rotation.successor,
        network: Option.getOrNull(rotation.network),
        now: now.epochMillis,
        burstOver: window > 0 ? now.epochMillis - window : Number.MAX_SAFE_INTEGER,
        idleExpiresAt: idleExpiresAt.epochMillis
      })
      const grant = grantOf(changed[0])
      if (Option.isSome(grant) && Grant.isRefreshable(grant.value)) {
        return Grant.RotationAnswer.Rotated({ grant: grant.value })
      }
      const [row] = findWithEpochs({ id })
      return Grant.whyNotRotated(grantOf(row), row?.epochs_match === 1, rotation)
    },
    revoke: (
      /** @type {Grant.GrantId} */ id,
      /** @type {string} */ reason,
      /** @type {import("effect/DateTime").Utc} */ now
    ) => revoke({ id, reason, now: now.epochMillis }).length > 0
  }
}
