/** The SQL statements on the table of grants. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type { Issuer } from "../../../domain/Issuer.js"
import { grantEnd } from "../GrantEnd.js"
import * as SqlStatement from "../SqlStatement.js"
import { subjectEpoch } from "./AccountStatements.js"
import * as GrantRow from "./GrantRow.js"

/** The epochs of the grant equal the current epochs of its subject, client and consent. */
const epochsMatch = `
  subject_epoch = ${subjectEpoch("grants")}
  and client_epoch = (
    select epoch from clients where issuer = grants.issuer and id = grants.client_id and state = 'Enabled'
  )
  and consent_epoch = (
    select epoch from consents
    where issuer = grants.issuer and subject = grants.subject and client_id = grants.client_id
  )`

/**
 * The root key that sealed the chain key of a grant (see `services/tokens/RefreshChain`): a prefix, then the id of the key.
 * The index "grants_chain_key" is used only where a statement repeats this text word for word.
 */
const chainKeyPrefix = "substr(chain_key, 1, 14)"

/** A revoked grant keeps no chain and no networks. So its chain key is erased. */
const withoutChain = `generation = null, token_digest = null, chain_key = null, rotated_at = null, rotated_from = null,
  burst_generation = null, burst_began_at = null, burst_began_from = null, idle_expires_at = null, redeemed_from = null`

/** Revokes the grants of a page, except those that the user allowed after the revocation began. */
const revokePage = `
  update grants set state = 'Revoked', revoked_at = :now, revocation_reason = :reason, ${withoutChain}
  where issuer = :issuer and id > :after and id <= :last and state <> 'Revoked'
    and (approved_at <= :now or case when ${epochsMatch} then 0 else 1 end = 1)`

const selectIds = "select id from grants where issuer = :issuer and id > :after"
const inOrder = "order by id limit :limit"

export const make = (sql: SqlClient.SqlClient, issuer: Issuer) => {
  const query = SqlStatement.queries(sql, issuer)
  const harmless = SqlStatement.queries(sql, issuer, "Harmless")
  const columns = GrantRow.selection(sql)
  const selectGrants = `select ${columns} from grants where issuer = :issuer and id > :after`
  return {
    approve: harmless(`
      insert into grants (
        issuer, id, state, subject, client_id, redirect_uri, granted, session_id, authenticated_at, approved_at,
        expires_at, subject_epoch, client_epoch, consent_epoch, code_digest, code_challenge, code_expires_at,
        installation
      ) values (
        :issuer, :id, 'Approved', :subject, :clientId, :redirectUri, :granted, :sessionId, :authenticatedAt, :approvedAt,
        :expiresAt, :subjectEpoch, :clientEpoch, :consentEpoch, :codeDigest, :codeChallenge, :codeExpiresAt,
        :installation
      )
      on conflict (issuer, id) do nothing
      returning id`),

    redeem: harmless(`
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
        and code_expires_at > :now and ${epochsMatch}
      returning ${columns}`),

    rotate: harmless(`
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
        and expires_at > :now and idle_expires_at > :now and ${epochsMatch}
      returning ${columns}`),

    findWithEpochs: query(`
      select ${columns}, case when ${epochsMatch} then 1 else 0 end as epochs_match
      from grants where issuer = :issuer and id = :id`),

    revoke: query(`
      update grants set state = 'Revoked', revoked_at = :now, revocation_reason = :reason, ${withoutChain}
      where issuer = :issuer and id = :id and state <> 'Revoked'
      returning id`),

    find: query(`select ${columns} from grants where issuer = :issuer and id = :id`),

    findActive: query(`
      select ${columns} from grants
      where issuer = :issuer and id = :id and state = 'Active' and expires_at > :now and ${epochsMatch}
        and not exists (select 1 from revoked_tokens where issuer = grants.issuer and id = :token)`),

    listAll: query(`${selectGrants} ${inOrder}`),
    listOfSubject: query(`${selectGrants} and subject = :subject ${inOrder}`),
    listOfClient: query(`${selectGrants} and client_id = :clientId ${inOrder}`),
    listOfPair: query(`${selectGrants} and subject = :subject and client_id = :clientId ${inOrder}`),

    // The outer statement repeats the condition for a row that another statement changes at the same time. It repeats it as a
    // sum, because SQLite would otherwise use the index of ends there too, and read all ended grants for each batch.
    prune: query(`
      delete from grants where issuer = :issuer and id in (
        select id from grants where issuer = :issuer and ${grantEnd} < :before order by ${grantEnd} limit :limit
      ) and 0 + ${grantEnd} < :before
      returning id`),

    sealedUnder: query(`
      select ${columns} from grants
      where issuer = :issuer and chain_key is not null and ${chainKeyPrefix} = :prefix and id > :after
      order by id limit :limit`),

    reseal: harmless(`
      update grants set chain_key = :to where issuer = :issuer and id = :id and chain_key = :from
      returning id`),

    idsOfAll: query(`${selectIds} ${inOrder}`),
    idsOfSubject: query(`${selectIds} and subject = :subject ${inOrder}`),
    idsOfClient: query(`${selectIds} and client_id = :clientId ${inOrder}`),
    idsOfPair: query(`${selectIds} and subject = :subject and client_id = :clientId ${inOrder}`),

    revokeAll: query(`${revokePage} returning id`),
    revokeOfSubject: query(`${revokePage} and subject = :subject returning id`),
    revokeOfClient: query(`${revokePage} and client_id = :clientId returning id`),
    revokeOfPair: query(`${revokePage} and subject = :subject and client_id = :clientId returning id`)
  }
}
