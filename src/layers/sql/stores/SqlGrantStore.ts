/**
 * Grants in a SQL database. Each verb is one conditional statement on one row; a second statement only reads, to say
 * why the first changed nothing.
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
  type GrantStore,
  isEverybody,
  namesNobody,
  type Which,
  type Whose
} from "../../../services/stores/GrantStore.js"
import { grantEnd } from "../migrations/Operation.js"
import { chainKeyPrefix } from "../migrations/Upkeep.js"
import { subjectEpoch } from "./Epochs.js"
import * as GrantRow from "./GrantRow.js"
import * as SqlText from "./SqlText.js"

const { columns } = GrantRow

/** The grant's epochs are still those of its person, client and consent. */
const epochsStand = `
  subject_epoch = ${subjectEpoch("grants")}
  and client_epoch = (
    select epoch from clients where issuer = grants.issuer and id = grants.client_id and state = 'Enabled'
  )
  and consent_epoch = (
    select epoch from consents
    where issuer = grants.issuer and subject = grants.subject and client_id = grants.client_id
  )`

/** A revoked grant has no chain, whose key is erased, and no networks. */
const withoutChain = `generation = null, token_digest = null, chain_key = null, rotated_at = null, rotated_from = null,
  burst_generation = null, burst_began_at = null, burst_began_from = null, idle_expires_at = null, redeemed_from = null`

/** The grants of a page, but those that a person allowed after the revocation began. */
const revokeEach = `
  update grants set state = 'Revoked', revoked_at = :now, revocation_reason = :reason, ${withoutChain}
  where issuer = :issuer and id > :after and id <= :last and state <> 'Revoked'
    and (approved_at <= :now or case when ${epochsStand} then 0 else 1 end = 1)`

const idsOfThose = "select id from grants where issuer = :issuer and id > :after"

const listThose = `select ${columns} from grants where issuer = :issuer and id > :after`
const inOrder = "order by id limit :limit"

const makeStatements = (sql: SqlClient.SqlClient, issuer: Issuer) => {
  const query = SqlText.queries(sql, issuer)
  return {
    approve: query(`
      insert into grants (
        issuer, id, state, subject, client_id, redirect_uri, scope, resources, granted, session_id, authenticated_at,
        approved_at, expires_at, subject_epoch, client_epoch, consent_epoch, code_digest, code_challenge, code_expires_at
      ) values (
        :issuer, :id, 'Approved', :subject, :clientId, :redirectUri, :scope, :resources, :granted, :sessionId,
        :authenticatedAt, :approvedAt, :expiresAt, :subjectEpoch, :clientEpoch, :consentEpoch, :codeDigest, :codeChallenge, :codeExpiresAt
      )
      on conflict (issuer, id) do nothing
      returning id`),

    redeem: query(`
      update grants set
        state = case when code_challenge = :challenge then 'Active' else 'Revoked' end,
        redeemed_at = case when code_challenge = :challenge then cast(:now as bigint) end,
        redeemed_from = case when code_challenge = :challenge then cast(:network as text) end,
        revoked_at = case when code_challenge = :challenge then null else cast(:now as bigint) end,
        revocation_reason = case when code_challenge = :challenge then null else 'WrongVerifier' end,
        generation = case when code_challenge = :challenge then cast(:generation as bigint) end,
        token_digest = case when code_challenge = :challenge then cast(:tokenDigest as text) end,
        chain_key = case when code_challenge = :challenge then cast(:chainKey as text) end,
        rotated_at = case when code_challenge = :challenge then cast(:rotatedAt as bigint) end,
        idle_expires_at = case when code_challenge = :challenge then cast(:idleExpiresAt as bigint) end
      where issuer = :issuer and id = :id and state = 'Approved' and code_digest = :codeDigest
        and client_id = :clientId and redirect_uri = coalesce(cast(:redirectUri as text), redirect_uri)
        and code_expires_at > :now and ${epochsStand}
      returning ${columns}`),

    rotate: query(`
      update grants set
        generation = generation + 1,
        token_digest = :successor,
        rotated_at = :now,
        rotated_from = :network,
        burst_generation = case when burst_began_at > :burstOver then burst_generation else generation end,
        burst_began_at = case when burst_began_at > :burstOver then burst_began_at else cast(:now as bigint) end,
        burst_began_from = case when burst_began_at > :burstOver then burst_began_from else cast(:network as text) end,
        idle_expires_at = :idleExpiresAt
      where issuer = :issuer and id = :id and state = 'Active' and generation = :generation and token_digest = :tokenDigest
        and expires_at > :now and idle_expires_at > :now and ${epochsStand}
      returning ${columns}`),

    findWithEpochs: query(`
      select ${columns}, case when ${epochsStand} then 1 else 0 end as epochs_stand
      from grants where issuer = :issuer and id = :id`),

    revoke: query(`
      update grants set state = 'Revoked', revoked_at = :now, revocation_reason = :reason, ${withoutChain}
      where issuer = :issuer and id = :id and state <> 'Revoked'
      returning id`),

    find: query(`select ${columns} from grants where issuer = :issuer and id = :id`),

    findActive: query(`
      select ${columns} from grants
      where issuer = :issuer and id = :id and state = 'Active' and expires_at > :now and ${epochsStand}
        and not exists (select 1 from revoked_tokens where issuer = grants.issuer and id = :token)`),

    listAll: query(`${listThose} ${inOrder}`),
    listOfSubject: query(`${listThose} and subject = :subject ${inOrder}`),
    listOfClient: query(`${listThose} and client_id = :clientId ${inOrder}`),
    listOfPair: query(`${listThose} and subject = :subject and client_id = :clientId ${inOrder}`),

    // The condition is said again outside, for a row that another changes meanwhile; as a sum, or SQLite would take the
    // index of ends there too, and go through all that ended for each batch.
    prune: query(`
      delete from grants where issuer = :issuer and id in (
        select id from grants where issuer = :issuer and ${grantEnd} < :before order by ${grantEnd} limit :limit
      ) and 0 + ${grantEnd} < :before
      returning id`),

    sealedUnder: query(`
      select ${columns} from grants
      where issuer = :issuer and chain_key is not null and ${chainKeyPrefix} = :prefix and id > :after
      order by id limit :limit`),

    reseal: query(`
      update grants set chain_key = :to where issuer = :issuer and id = :id and chain_key = :from
      returning id`),

    idsOfAll: query(`${idsOfThose} ${inOrder}`),
    idsOfSubject: query(`${idsOfThose} and subject = :subject ${inOrder}`),
    idsOfClient: query(`${idsOfThose} and client_id = :clientId ${inOrder}`),
    idsOfPair: query(`${idsOfThose} and subject = :subject and client_id = :clientId ${inOrder}`),

    revokeOfAll: query(`${revokeEach} returning id`),
    revokeOfSubject: query(`${revokeEach} and subject = :subject returning id`),
    revokeOfClient: query(`${revokeEach} and client_id = :clientId returning id`),
    revokeOfPair: query(`${revokeEach} and subject = :subject and client_id = :clientId returning id`)
  }
}

/** Before this instant a burst began too long ago: `now` is not within a window of it (see `Time.isWithin`). */
const burstOver = ({ now, retryWindow }: Grant.Rotation): number =>
  Duration.toMillis(retryWindow) > 0 ? now.epochMillis - Duration.toMillis(retryWindow) : Number.MAX_SAFE_INTEGER

type Answer = Effect.Effect<ReadonlyArray<object>, TemporarilyUnavailable>

/** The parameters of a page that is read. */
interface Looked {
  readonly after: string
  readonly limit: number
}

/** The parameters of a page whose grants are revoked. */
interface Revoking {
  readonly after: string
  readonly last: string
  readonly reason: Grant.RevocationReason
  readonly now: number
}

const readIds = SqlText.reader("grants", Schema.Array(Schema.Struct({ id: Grant.GrantId })))

const readEpochsStand = SqlText.reader("grants", Schema.Struct({ epochs_stand: Schema.Literal(0, 1) }))

const decodeFirst = (rows: ReadonlyArray<object>) => SqlText.first(rows, GrantRow.decode)

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<GrantStore> => {
  const statements = makeStatements(sql, issuer)

  /** The statements that read the ids of a page, and that revoke the grants of it; none where the filter names nobody. */
  const those = (whose: Whose) => {
    const { clientId, subject } = whose
    const using = <Filter extends object>(
      filter: Filter,
      ids: (parameters: Filter & Looked) => Answer,
      revoke: (parameters: Filter & Revoking) => Answer
    ) => ({
      ids: (page: Looked) => ids({ ...filter, ...page }),
      revoke: (change: Revoking) => revoke({ ...filter, ...change })
    })
    if (subject === undefined) {
      if (clientId !== undefined) return using({ clientId }, statements.idsOfClient, statements.revokeOfClient)
      return isEverybody(whose) ? using({}, statements.idsOfAll, statements.revokeOfAll) : undefined
    }
    return clientId === undefined
      ? using({ subject }, statements.idsOfSubject, statements.revokeOfSubject)
      : using({ subject, clientId }, statements.idsOfPair, statements.revokeOfPair)
  }

  const listThose = ({ clientId, subject }: Which, page: { readonly after: string; readonly limit: number }) => {
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
      if (Option.isNone(before)) return yield* SqlText.unreadable("grants", "it is gone")
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
      const epochs = yield* SqlText.first(rows, readEpochsStand)
      return Grant.whyNotRotated(
        yield* decodeFirst(rows),
        Option.exists(epochs, ({ epochs_stand }) => epochs_stand === 1),
        rotation
      )
    }),

    revoke: (id, reason, now) =>
      Effect.map(statements.revoke({ id, reason, now: now.epochMillis }), (revoked) => revoked.length > 0),

    revokeAll: Effect.fnUntraced(function* (whose, reason, now, { after = "", limit }) {
      const statements = those(whose)
      if (statements === undefined) return yield* Effect.die(namesNobody())
      const { ids, revoke } = statements
      const looked = yield* Effect.flatMap(ids({ after, limit }), readIds)
      const last = looked.at(-1)?.id
      if (last === undefined) return { revoked: [], next: Option.none() }
      const revoked = yield* Effect.flatMap(revoke({ after, last, reason, now: now.epochMillis }), readIds)
      return {
        revoked: revoked.map(({ id }) => id),
        next: looked.length < limit ? Option.none() : Option.some(last)
      }
    }),

    list: (which, { after = "", limit }) =>
      Effect.flatMap(listThose(which, { after, limit }), Effect.forEach(GrantRow.decode)),

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
