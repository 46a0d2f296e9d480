/** Grants in memory. */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Chain from "../../domain/Chain.js"
import * as Grant from "../../domain/Grant.js"
import * as Time from "../../domain/Time.js"
import { emptyFilter, type GrantFilter, type GrantStore, isEverybody } from "../../services/stores/GrantStore.js"
import * as Paging from "../../services/stores/Paging.js"
import * as Rows from "./Rows.js"

const redeem = ({ code, terms }: Grant.Approved, { chain, network, now }: Grant.Redemption): Grant.Active => ({
  _tag: "Active",
  terms,
  code,
  redeemedAt: now,
  redeemedFrom: network,
  chain: Option.map(chain, (first) => ({
    ...first,
    generation: 1,
    rotatedAt: now,
    rotatedFrom: Option.none(),
    burst: Option.none()
  }))
})

/** The time when a grant ends, or when its code expires if it was never redeemed. */
const endOf = (grant: Grant.Grant): DateTime.Utc => {
  const { expiresAt } = grant.terms
  switch (grant._tag) {
    case "Approved":
      return DateTime.min(grant.code.expiresAt, expiresAt)
    case "Active":
      return expiresAt
    case "Revoked":
      return DateTime.min(grant.revokedAt, expiresAt)
  }
}

const idOf = ({ terms }: Grant.Grant): Grant.GrantId => terms.id

const byId = Order.mapInput(Order.string, idOf)

export const make = (rows: Rows.Rows): Context.Tag.Service<GrantStore> => {
  const { consents, grants, revokedTokens } = rows

  const epochsMatch = ({ clientId, epochs, subject }: Grant.Terms): boolean =>
    epochs.subject === Rows.subjectEpoch(rows, subject) &&
    epochs.client === Rows.clientEpoch(rows, clientId) &&
    epochs.consent === consents.get(Rows.pairOf(subject, clientId))?.epoch

  const select = ({ clientId, subject }: GrantFilter): ReadonlyArray<Grant.Grant> =>
    Array.from(grants.values())
      .filter(({ terms }) => subject === undefined || terms.subject === subject)
      .filter(({ terms }) => clientId === undefined || terms.clientId === clientId)
      .sort(byId)

  const revoke = (grant: Grant.Grant, reason: Grant.RevocationReason, now: DateTime.Utc): boolean => {
    if (grant._tag === "Revoked") return false
    const { code, terms } = grant
    const redeemedAt = grant._tag === "Active" ? Option.some(grant.redeemedAt) : Option.none()
    grants.set(terms.id, Grant.Grant.Revoked({ terms, code, redeemedAt, revokedAt: now, reason }))
    return true
  }

  return {
    approve: (grant) =>
      Effect.sync(() => {
        const before = grants.get(grant.terms.id)
        if (before !== undefined) return { alreadyDecided: before._tag }
        grants.set(grant.terms.id, grant)
        return "Approved"
      }),

    redeem: (redemption) =>
      Effect.sync(() => {
        const grant = grants.get(redemption.grantId)
        if (grant === undefined || !Grant.isRedeemable(grant, redemption) || !epochsMatch(grant.terms)) {
          return Grant.whyNotRedeemed(Option.fromNullable(grant), redemption)
        }
        if (grant.code.challenge !== redemption.challenge) {
          revoke(grant, "WrongVerifier", redemption.now)
          return Grant.RedemptionAnswer.WrongVerifier()
        }
        const redeemed = redeem(grant, redemption)
        grants.set(grant.terms.id, redeemed)
        return Grant.RedemptionAnswer.Redeemed({ grant: redeemed })
      }),

    rotate: (rotation) =>
      Effect.sync(() => {
        const grant = grants.get(rotation.grantId)
        const isCurrent = grant !== undefined && epochsMatch(grant.terms)
        if (grant === undefined || !isCurrent || !Grant.isRotatable(grant, rotation)) {
          return Grant.whyNotRotated(Option.fromNullable(grant), isCurrent, rotation)
        }
        const rotated: Grant.Refreshable = {
          ...grant,
          chain: Option.some(Chain.rotated(grant.chain.value, rotation)) as Option.Some<Chain.Chain>
        }
        grants.set(grant.terms.id, rotated)
        return Grant.RotationAnswer.Rotated({ grant: rotated })
      }),

    revoke: (id, reason, now) =>
      Effect.sync(() => {
        const grant = grants.get(id)
        return grant !== undefined && revoke(grant, reason, now)
      }),

    revokeAll: (filter, reason, now, { after, limit }) =>
      Effect.suspend(() => {
        const isNamed = filter.subject !== undefined || filter.clientId !== undefined
        if (!isNamed && !isEverybody(filter)) return Effect.die(emptyFilter())
        const page = select(filter)
          .filter(({ terms }) => after === undefined || terms.id > after)
          .slice(0, limit)
        const isDue = ({ terms }: Grant.Grant) => !Time.isBefore(now, terms.approvedAt) || !epochsMatch(terms)
        return Effect.succeed({
          revoked: page.filter((grant) => isDue(grant) && revoke(grant, reason, now)).map(idOf),
          next: Option.map(Paging.next(page, limit), idOf)
        })
      }),

    list: (filter, { after, limit }) =>
      Effect.sync(() =>
        select(filter)
          .filter(({ terms }) => after === undefined || terms.id > after)
          .slice(0, limit)
      ),

    prune: (before, limit) => Effect.sync(() => Rows.prune(grants, endOf, before, limit)),

    sealedUnder: (prefix, { after = "", limit }) =>
      Effect.sync(() =>
        select({})
          .filter(Grant.isRefreshable)
          .filter(({ chain, terms }) => chain.value.key.startsWith(prefix) && terms.id > after)
          .slice(0, limit)
      ),

    reseal: (id, from, to) =>
      Effect.sync(() => {
        const grant = grants.get(id)
        if (grant === undefined || !Grant.isRefreshable(grant) || grant.chain.value.key !== from) return false
        grants.set(id, { ...grant, chain: Option.some({ ...grant.chain.value, key: to }) })
        return true
      }),

    find: (id) => Effect.sync(() => Option.fromNullable(grants.get(id))),

    findActive: (id, now, token) =>
      Effect.sync(() =>
        Option.fromNullable(grants.get(id)).pipe(
          Option.filter(Grant.Grant.$is("Active")),
          Option.filter(({ terms }) => Time.isBefore(now, terms.expiresAt) && epochsMatch(terms)),
          Option.filter(() => !Option.exists(token, (token) => revokedTokens.has(token)))
        )
      )
  }
}
