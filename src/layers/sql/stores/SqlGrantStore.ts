/**
 * Grants in a SQL database. Each verb is one conditional statement on one row. If it changes nothing, a second statement only
 * reads the reason.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Arr from "effect/Array"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Grant from "../../../domain/Grant.js"
import type { Issuer } from "../../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import {
  emptyFilter,
  type GrantFilter,
  type GrantStore,
  isEverybody,
  type RevocationFilter
} from "../../../services/stores/GrantStore.js"
import * as Paging from "../../../services/stores/Paging.js"
import * as SqlFailure from "../SqlFailure.js"
import * as SqlRow from "../SqlRow.js"
import * as GrantRow from "./GrantRow.js"
import * as GrantStatements from "./GrantStatements.js"

/** The instant up to which a burst began too long ago: `now` is not within the retry window of it (see `Time.isWithin`). */
const burstOver = ({ now, retryWindow }: Grant.Rotation): number =>
  Duration.toMillis(retryWindow) > 0 ? now.epochMillis - Duration.toMillis(retryWindow) : Number.MAX_SAFE_INTEGER

type Answer = Effect.Effect<ReadonlyArray<object>, TemporarilyUnavailable>

/** The parameters of a statement that reads a page. */
interface Read {
  readonly after: string
  readonly limit: number
}

/** The parameters of a statement that revokes the grants of a page. */
interface Revoke {
  readonly after: string
  readonly last: string
  readonly reason: Grant.RevocationReason
  readonly now: number
}

const readIds = SqlRow.reader("grants", Schema.Array(Schema.Struct({ id: Grant.GrantId })))

const readEpochs = SqlRow.reader("grants", Schema.Struct({ epochs_match: Schema.Literal(0, 1) }))

const decodeFirst = (rows: ReadonlyArray<object>) => SqlRow.first(rows, GrantRow.decode)

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<GrantStore> => {
  const statements = GrantStatements.make(sql, issuer)

  /** Returns the statements that read the ids of a page and revoke its grants; `undefined` if the filter is empty. */
  const revocation = (filter: RevocationFilter) => {
    const { clientId, subject } = filter
    const using = <Columns extends object>(
      columns: Columns,
      ids: (parameters: Columns & Read) => Answer,
      revoke: (parameters: Columns & Revoke) => Answer
    ) => ({
      ids: (page: Read) => ids({ ...columns, ...page }),
      revoke: (change: Revoke) => revoke({ ...columns, ...change })
    })
    if (subject === undefined) {
      if (clientId !== undefined) return using({ clientId }, statements.idsOfClient, statements.revokeOfClient)
      return isEverybody(filter) ? using({}, statements.idsOfAll, statements.revokeAll) : undefined
    }
    return clientId === undefined
      ? using({ subject }, statements.idsOfSubject, statements.revokeOfSubject)
      : using({ subject, clientId }, statements.idsOfPair, statements.revokeOfPair)
  }

  const list = ({ clientId, subject }: GrantFilter, page: Read) => {
    if (subject === undefined) {
      return clientId === undefined ? statements.listAll(page) : statements.listOfClient({ clientId, ...page })
    }
    return clientId === undefined
      ? statements.listOfSubject({ subject, ...page })
      : statements.listOfPair({ subject, clientId, ...page })
  }

  const find = (id: Grant.GrantId) => Effect.flatMap(statements.find({ id }), decodeFirst)

  return {
    approve: Effect.fnUntraced(function* (grant) {
      const made = yield* statements.approve(GrantRow.encode(grant))
      if (made.length > 0) return "Approved" as const
      const before = yield* find(grant.terms.id)
      if (Option.isNone(before)) return yield* SqlFailure.unreadable("grants", "the row was deleted")
      return { alreadyDecided: before.value._tag }
    }),

    redeem: Effect.fnUntraced(function* (redemption) {
      const { chain, now } = redemption
      const first = Option.getOrUndefined(chain)
      const changed = yield* statements.redeem({
        id: redemption.grantId,
        codeDigest: redemption.digest,
        clientId: redemption.clientId,
        redirectUri: Option.getOrNull(redemption.redirectUri),
        challenge: redemption.challenge,
        network: Option.getOrNull(redemption.network),
        now: now.epochMillis,
        generation: first ? 1 : null,
        tokenDigest: first?.digest ?? null,
        chainKey: first?.key ?? null,
        rotatedAt: first ? now.epochMillis : null,
        idleExpiresAt: first?.idleExpiresAt.epochMillis ?? null
      })
      const grant = yield* decodeFirst(changed)
      if (Option.isNone(grant)) return Grant.whyNotRedeemed(yield* find(redemption.grantId), redemption)
      return grant.value._tag === "Active"
        ? Grant.RedemptionAnswer.Redeemed({ grant: grant.value })
        : Grant.RedemptionAnswer.WrongVerifier()
    }),

    rotate: Effect.fnUntraced(function* (rotation) {
      const changed = yield* statements.rotate({
        id: rotation.grantId,
        generation: rotation.generation,
        tokenDigest: rotation.digest,
        successor: rotation.successor,
        network: Option.getOrNull(rotation.network),
        now: rotation.now.epochMillis,
        burstOver: burstOver(rotation),
        idleExpiresAt: rotation.idleExpiresAt.epochMillis
      })
      const grant = yield* decodeFirst(changed)
      if (Option.isSome(grant) && Grant.isRefreshable(grant.value)) {
        return Grant.RotationAnswer.Rotated({ grant: grant.value })
      }
      const rows = yield* statements.findWithEpochs({ id: rotation.grantId })
      const epochs = yield* SqlRow.first(rows, readEpochs)
      return Grant.whyNotRotated(
        yield* decodeFirst(rows),
        Option.exists(epochs, ({ epochs_match }) => epochs_match === 1),
        rotation
      )
    }),

    revoke: (id, reason, now) =>
      Effect.map(statements.revoke({ id, reason, now: now.epochMillis }), (revoked) => revoked.length > 0),

    revokeAll: Effect.fnUntraced(function* (filter, reason, now, { after = "", limit }) {
      const statements = revocation(filter)
      if (statements === undefined) return yield* Effect.die(emptyFilter())
      const page = Arr.map(yield* Effect.flatMap(statements.ids({ after, limit }), readIds), ({ id }) => id)
      const last = page.at(-1)
      if (last === undefined) return { revoked: [], next: Option.none() }
      const revoked = yield* Effect.flatMap(statements.revoke({ after, last, reason, now: now.epochMillis }), readIds)
      return { revoked: revoked.map(({ id }) => id), next: Paging.next(page, limit) }
    }),

    list: (filter, { after = "", limit }) =>
      Effect.flatMap(list(filter, { after, limit }), Effect.forEach(GrantRow.decode)),

    prune: (before, limit) =>
      Effect.map(statements.prune({ before: before.epochMillis, limit }), (pruned) => pruned.length),

    sealedUnder: (prefix, { after = "", limit }) =>
      Effect.map(
        Effect.flatMap(statements.sealedUnder({ prefix, after, limit }), Effect.forEach(GrantRow.decode)),
        Arr.filter(Grant.isRefreshable)
      ),

    reseal: (id, from, to) => Effect.map(statements.reseal({ id, from, to }), (changed) => changed.length > 0),

    find,

    findActive: Effect.fnUntraced(function* (id, now, token) {
      const rows = yield* statements.findActive({ id, now: now.epochMillis, token: Option.getOrNull(token) })
      const grant = yield* decodeFirst(rows)
      return Option.filter(grant, Grant.Grant.$is("Active"))
    })
  }
}
