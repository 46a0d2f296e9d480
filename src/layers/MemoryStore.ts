/**
 * Storage in the memory of the process, for tests and trials: it keeps every promise of the ports, for as long as the
 * process lives.
 *
 * Each verb is one synchronous step, so nothing comes between its condition and its change.
 *
 * @example
 * const Auth = AuthLayer.layer({ issuer: "http://localhost:3000", resources: [] }).pipe(
 *   Layer.provide(MemoryStore.layer)
 * )
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Redacted from "effect/Redacted"
import type { Account, Subject } from "../domain/Account.js"
import type { Client, ClientId } from "../domain/Client.js"
import type { Consent } from "../domain/Consent.js"
import type { Digest } from "../domain/Digest.js"
import * as Grant from "../domain/Grant.js"
import type { Issuer } from "../domain/Issuer.js"
import { TemporarilyUnavailable } from "../domain/OAuthError.js"
import * as Scope from "../domain/Scope.js"
import type { Session } from "../domain/Session.js"
import * as Time from "../domain/Time.js"
import { AccountStore } from "../services/AccountStore.js"
import { ClientStore } from "../services/ClientStore.js"
import { ConsentStore } from "../services/ConsentStore.js"
import { randomBytes } from "../services/Crypto.js"
import { GrantStore } from "../services/GrantStore.js"
import { KeyStore, type StoredKey } from "../services/KeyStore.js"
import { SessionStore } from "../services/SessionStore.js"
import { Storage, type Stores } from "../services/Storage.js"

/** The rows of one issuer. */
const makeRows = () => ({
  clients: new Map<ClientId, Client>(),
  accounts: new Map<Subject, Account>(),
  sessions: new Map<Digest, Session>(),
  consents: new Map<string, Consent>(),
  grants: new Map<Grant.GrantId, Grant.Grant>(),
  keys: [] as Array<StoredKey>
})
type Rows = ReturnType<typeof makeRows>

const pairOf = (subject: Subject, clientId: ClientId): string => JSON.stringify([subject, clientId])

/** The epoch of a person that has no account here is 0. */
const subjectEpoch = (rows: Rows, subject: Subject): number => rows.accounts.get(subject)?.epoch ?? 0

const taken = (what: string): TemporarilyUnavailable =>
  new TemporarilyUnavailable({
    reason: "StoreFailed",
    description: "try again later",
    cause: `the ${what} exists already`
  })

const oldestFirst = <A>(values: Iterable<A>, at: (value: A) => DateTime.Utc, id: (value: A) => string): Array<A> =>
  Array.from(values).sort(
    Order.combine(
      Order.mapInput(Order.number, (value: A) => at(value).epochMillis),
      Order.mapInput(Order.string, id)
    )
  )

const redeem = ({ code, terms }: Grant.Approved, { chain, now }: Grant.Redemption): Grant.Active => ({
  _tag: "Active",
  terms,
  code,
  redeemedAt: now,
  chain: Option.map(chain, (first) => ({ ...first, generation: 1, rotatedAt: now, burst: Option.none() }))
})

const grantStore = (rows: Rows): Context.Tag.Service<GrantStore> => {
  const { grants } = rows

  const epochsStand = ({ clientId, epochs, subject }: Grant.Terms): boolean =>
    epochs.subject === subjectEpoch(rows, subject) &&
    epochs.client === rows.clients.get(clientId)?.epoch &&
    epochs.consent === rows.consents.get(pairOf(subject, clientId))?.epoch

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
        if (grant === undefined || !Grant.isRedeemable(grant, redemption) || !epochsStand(grant.terms)) {
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
        const stand = grant !== undefined && epochsStand(grant.terms)
        if (grant === undefined || !stand || !Grant.isRotatable(grant, rotation)) {
          return Grant.whyNotRotated(Option.fromNullable(grant), stand, rotation)
        }
        const rotated: Grant.Refreshable = {
          ...grant,
          chain: Option.some(Grant.rotated(grant.chain.value, rotation)) as Option.Some<Grant.Chain>
        }
        grants.set(grant.terms.id, rotated)
        return Grant.RotationAnswer.Rotated({ grant: rotated })
      }),

    revoke: (id, reason, now) =>
      Effect.sync(() => {
        const grant = grants.get(id)
        return grant !== undefined && revoke(grant, reason, now)
      }),

    revokeAll: ({ clientId, subject }, reason, now) =>
      Effect.sync(() =>
        Array.from(grants.values())
          .filter(({ terms }) => subject === undefined || terms.subject === subject)
          .filter(({ terms }) => clientId === undefined || terms.clientId === clientId)
          .filter((grant) => revoke(grant, reason, now))
          .map(({ terms }) => terms.id)
      ),

    find: (id) => Effect.sync(() => Option.fromNullable(grants.get(id))),

    findActive: (id, now) =>
      Effect.sync(() =>
        Option.fromNullable(grants.get(id)).pipe(
          Option.filter(Grant.Grant.$is("Active")),
          Option.filter(({ terms }) => Time.isBefore(now, terms.expiresAt) && epochsStand(terms))
        )
      )
  }
}

const clientStore = ({ clients }: Rows): Context.Tag.Service<ClientStore> => ({
  insert: (client) =>
    Effect.suspend(() => {
      if (clients.has(client.id)) return taken("client")
      clients.set(client.id, client)
      return Effect.void
    }),
  find: (id) => Effect.sync(() => Option.fromNullable(clients.get(id))),
  list: Effect.sync(() =>
    oldestFirst(
      clients.values(),
      ({ issuedAt }) => issuedAt,
      ({ id }) => id
    )
  ),
  advanceEpoch: (id) =>
    Effect.sync(() => {
      const client = clients.get(id)
      if (client !== undefined) clients.set(id, { ...client, epoch: client.epoch + 1 })
    })
})

const accountStore = ({ accounts }: Rows): Context.Tag.Service<AccountStore> => {
  const byUsername = (username: Account["username"]) =>
    Option.fromNullable(Array.from(accounts.values()).find((account) => account.username === username))

  return {
    insert: (account) =>
      Effect.suspend(() => {
        if (Option.isSome(byUsername(account.username))) return Effect.succeed("NameTaken")
        if (accounts.has(account.id)) return taken("account")
        accounts.set(account.id, account)
        return Effect.succeed("Created")
      }),
    insertFirst: (account) =>
      Effect.sync(() => {
        if (accounts.size > 0) return "NotFirst"
        accounts.set(account.id, account)
        return "Created"
      }),
    find: (id) => Effect.sync(() => Option.fromNullable(accounts.get(id))),
    findByUsername: (username) => Effect.sync(() => byUsername(username)),
    list: Effect.sync(() =>
      oldestFirst(
        accounts.values(),
        ({ createdAt }) => createdAt,
        ({ id }) => id
      )
    ),
    advanceEpoch: (id) =>
      Effect.sync(() => {
        const account = accounts.get(id)
        if (account !== undefined) accounts.set(id, { ...account, epoch: account.epoch + 1 })
      })
  }
}

const sessionStore = (rows: Rows): Context.Tag.Service<SessionStore> => {
  const { sessions } = rows
  return {
    insert: (session) =>
      Effect.suspend(() => {
        const ids = new Set(Array.from(sessions.values(), ({ id }) => id))
        if (ids.has(session.id) || sessions.has(session.digest)) return taken("session")
        sessions.set(session.digest, session)
        return Effect.void
      }),
    find: (digest, now) =>
      Effect.sync(() =>
        Option.filter(
          Option.fromNullable(sessions.get(digest)),
          (session) =>
            Time.isBefore(now, session.expiresAt) && session.subjectEpoch === subjectEpoch(rows, session.subject)
        )
      ),
    end: (id) =>
      Effect.sync(() => {
        for (const session of sessions.values()) if (session.id === id) sessions.delete(session.digest)
      })
  }
}

const consentStore = ({ consents }: Rows): Context.Tag.Service<ConsentStore> => ({
  find: (subject, clientId) => Effect.sync(() => Option.fromNullable(consents.get(pairOf(subject, clientId)))),
  record: (added) =>
    Effect.sync(() => {
      const pair = pairOf(added.subject, added.clientId)
      const before = consents.get(pair)
      const merged: Consent =
        before === undefined
          ? { ...added, epoch: 1 }
          : {
              ...before,
              scope: Scope.union(before.scope, added.scope),
              resources: new Set([...before.resources, ...added.resources]),
              redirectUris: new Set([...before.redirectUris, ...added.redirectUris]),
              updatedAt: DateTime.max(before.updatedAt, added.updatedAt)
            }
      consents.set(pair, merged)
      return merged
    }),
  withdraw: (subject, clientId) =>
    Effect.sync(() => {
      const pair = pairOf(subject, clientId)
      const before = consents.get(pair)
      if (before === undefined) return
      const nothing = { scope: Scope.empty, resources: new Set<never>(), redirectUris: new Set<never>() }
      consents.set(pair, { ...before, ...nothing, epoch: before.epoch + 1 })
    })
})

const keyStore = ({ keys }: Rows): Context.Tag.Service<KeyStore> => ({
  list: Effect.sync(() => [...keys]),
  insertFirst: (key) =>
    Effect.sync(() => {
      if (keys.length === 0) keys.push(key)
    })
})

const makeStores = (rows: Rows): Context.Context<Stores> =>
  Context.make(GrantStore, grantStore(rows)).pipe(
    Context.add(ClientStore, clientStore(rows)),
    Context.add(AccountStore, accountStore(rows)),
    Context.add(SessionStore, sessionStore(rows)),
    Context.add(ConsentStore, consentStore(rows)),
    Context.add(KeyStore, keyStore(rows))
  )

const make = Effect.map(randomBytes(32), (masterKey) => {
  const issuers = new Map<Issuer, Context.Context<Stores>>()
  return Storage.of({
    stores: (issuer) => {
      const stores = issuers.get(issuer) ?? makeStores(makeRows())
      issuers.set(issuer, stores)
      return stores
    },
    masterKey: Redacted.make(masterKey)
  })
})

/** Storage that begins empty, and is gone with the process. */
export const layer: Layer.Layer<Storage> = Layer.effect(Storage, make)
