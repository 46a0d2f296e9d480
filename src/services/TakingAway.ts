/**
 * Taking away: what ends an account's, a client's or a consent's access, at once and for everything, also for what is
 * just being issued. Each first raises the epoch, after which nothing made under the earlier one is good, and then revokes
 * the rows, so that they say why (design §3). There may be many rows: they are revoked in batches, also when the caller has
 * gone, and a call that is repeated continues.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { isExternal, type Password, preparePassword, type Subject } from "../domain/Account.js"
import type { ClientId } from "../domain/Client.js"
import type { Happening } from "../domain/Event.js"
import type { GrantId, RevocationReason } from "../domain/Grant.js"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import { AccountStore } from "./AccountStore.js"
import * as BulkRevocation from "./BulkRevocation.js"
import { newClientSecret } from "./ClientSecret.js"
import { ClientStore, type MetadataChange } from "./ClientStore.js"
import { ConsentStore } from "./ConsentStore.js"
import { digest } from "./Crypto.js"
import { Events } from "./Events.js"
import { GrantStore, type Whose } from "./GrantStore.js"
import { LoginThrottle } from "./LoginThrottle.js"
import { knownAs, PasswordHasher } from "./PasswordHasher.js"

type Change<Tag extends "AccountChanged" | "ClientChanged"> = Extract<Happening, { readonly _tag: Tag }>["change"]

/** Whether there was something to change. */
type Found = Effect.Effect<boolean, TemporarilyUnavailable>

export class TakingAway extends Context.Tag("latchkey/TakingAway")<
  TakingAway,
  {
    readonly disableAccount: (id: Subject) => Found
    /** What was issued before the account was disabled stays dead. Ends a pause of its logins. */
    readonly enableAccount: (id: Subject) => Found
    /** Ends the pauses of the account's logins, from every network. An account that stands for an app's person has none. */
    readonly unlockAccount: (id: Subject) => Found
    readonly removeAccount: (id: Subject) => Found
    /**
     * A new password ends every session and grant of the account, and a pause of its logins. An account that stands for an
     * app's person has no password. The caller reads the password with `NewPassword.read`, which refuses well-known ones.
     */
    readonly setPassword: (id: Subject, password: Password) => Found
    readonly disableClient: (id: ClientId) => Found
    readonly enableClient: (id: ClientId) => Found
    readonly removeClient: (id: ClientId) => Found
    /** A new secret; the old one, and everything issued to the client, is dead. `None` when there is no such client. */
    readonly rotateSecret: (id: ClientId) => Effect.Effect<Option.Option<Redacted.Redacted>, TemporarilyUnavailable>
    /**
     * New metadata, if they still are those that the caller read. Where the client begins or ceases to keep a secret,
     * everything issued to it ends; otherwise it stays, and a refresh gives no more than the client may have then.
     */
    readonly changeClient: (id: ClientId, change: MetadataChange) => Found
    /** What a person allowed a client. */
    readonly withdrawConsent: (subject: Subject, clientId: ClientId) => Effect.Effect<void, TemporarilyUnavailable>
    /** One grant, by the operator's hand; `None` when there is none, `false` when it was taken back before. */
    readonly revokeGrant: (id: GrantId) => Effect.Effect<Option.Option<boolean>, TemporarilyUnavailable>
    /**
     * All of a person's, a client's, both, or everybody's, by the operator's hand; answers how many were revoked. What they
     * had allowed is withdrawn, so that they are asked again; a client's own tokens end, too.
     */
    readonly revokeGrants: (whose: Whose) => Effect.Effect<number, TemporarilyUnavailable>
  }
>() {}

/** Number of clients whose epochs are raised at the same time, for a store that commits writes in groups. */
const concurrency = 8

const make = Effect.gen(function* () {
  const accounts = yield* AccountStore
  const clients = yield* ClientStore
  const consents = yield* ConsentStore
  const grants = yield* GrantStore
  const hasher = yield* PasswordHasher
  const throttle = yield* LoginThrottle
  const events = yield* Events
  const scope = yield* Effect.scope
  const bulk = yield* BulkRevocation.make

  const tellOne = (grantId: GrantId, reason: RevocationReason) =>
    Effect.flatMap(
      grants.find(grantId),
      Option.match({
        onNone: () => Effect.void,
        onSome: ({ terms: { clientId, subject } }) =>
          events.publish({ _tag: "Revoked", grantId, subject, clientId, reason })
      })
    )

  /** Only the first have an event of their own: each row says why it ended. */
  const revoke = Effect.fnUntraced(function* (whose: Whose, reason: RevocationReason) {
    const { count, first } = yield* bulk.grants(whose, reason)
    yield* Effect.forEach(first, (id) => tellOne(id, reason), { discard: true })
    return count
  })

  /** What is done to its end when the caller has gone, but not longer than the server lives. */
  const outliving = <A, E>(self: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(Effect.forkIn(self, scope), Fiber.join)

  /** What follows a change, where there was something to change. */
  const andThen = (change: Found, next: Effect.Effect<unknown, TemporarilyUnavailable>): Found =>
    Effect.tap(change, (found) => (found ? next : Effect.void))

  const tellAccount = (subject: Subject, change: Change<"AccountChanged">) =>
    Effect.zipRight(
      Effect.annotateCurrentSpan({ subject }),
      events.publish({ _tag: "AccountChanged", subject, change })
    )

  const tellClient = (clientId: ClientId, change: Change<"ClientChanged">) =>
    Effect.zipRight(
      Effect.annotateCurrentSpan({ clientId }),
      events.publish({ _tag: "ClientChanged", clientId, change })
    )

  const clearThrottle = (id: Subject) =>
    Effect.flatMap(
      accounts.find(id),
      Option.match({ onNone: () => Effect.void, onSome: ({ username }) => throttle.clear(username) })
    )

  // A remembered consent must not give back without a page what was just taken.
  const endAccount = (subject: Subject, changed: Found, what: Change<"AccountChanged">) =>
    andThen(
      changed,
      outliving(
        Effect.all([tellAccount(subject, what), bulk.withdraw({ subject }), revoke({ subject }, "SubjectRevoked")])
      )
    )

  const endClient = (clientId: ClientId, changed: Found, what: Change<"ClientChanged">) =>
    andThen(
      changed,
      outliving(
        Effect.all([tellClient(clientId, what), bulk.withdraw({ clientId }), revoke({ clientId }, "ClientRevoked")])
      )
    )

  /** Raises the epochs of these grants, and withdraws what allowed them. */
  const endEpochs = (whose: Whose): Effect.Effect<unknown, TemporarilyUnavailable> => {
    const { clientId, subject } = whose
    if (subject !== undefined) {
      return clientId === undefined ? bulk.withdraw({ subject }) : consents.withdraw(subject, clientId)
    }
    if (clientId !== undefined) return Effect.zipRight(clients.advanceEpoch(clientId), bulk.withdraw({ clientId }))
    return Effect.flatMap(clients.list, (all) =>
      Effect.forEach(all, ({ id }) => BulkRevocation.again(clients.advanceEpoch(id)), { concurrency, discard: true })
    ).pipe(Effect.zipRight(bulk.withdraw({ everybody: true })))
  }

  return TakingAway.of({
    disableAccount: Effect.fn("TakingAway.disableAccount")((id) =>
      endAccount(id, accounts.setState(id, "Disabled"), "Disabled")
    ),
    enableAccount: Effect.fn("TakingAway.enableAccount")((id) =>
      andThen(accounts.setState(id, "Enabled"), Effect.zipRight(clearThrottle(id), tellAccount(id, "Enabled")))
    ),
    unlockAccount: Effect.fn("TakingAway.unlockAccount")(function* (id) {
      const account = yield* accounts.find(id)
      if (Option.isNone(account) || isExternal(account.value)) return false
      yield* throttle.clear(account.value.username)
      yield* tellAccount(id, "Unlocked")
      return true
    }),
    removeAccount: Effect.fn("TakingAway.removeAccount")((id) => endAccount(id, accounts.remove(id), "Deleted")),
    setPassword: Effect.fn("TakingAway.setPassword")(function* (id, password) {
      const account = yield* accounts.find(id)
      if (Option.isNone(account) || isExternal(account.value)) return false
      const { username } = account.value
      const hash = yield* hasher.hash(preparePassword(password), knownAs(username))
      const changed = accounts.setPassword(id, hash)
      return yield* endAccount(id, andThen(changed, throttle.clear(username)), "PasswordChanged")
    }),
    disableClient: Effect.fn("TakingAway.disableClient")((id) =>
      endClient(id, clients.setState(id, "Disabled"), "Disabled")
    ),
    enableClient: Effect.fn("TakingAway.enableClient")((id) =>
      andThen(clients.setState(id, "Enabled"), tellClient(id, "Enabled"))
    ),
    removeClient: Effect.fn("TakingAway.removeClient")((id) => endClient(id, clients.remove(id), "Deleted")),
    rotateSecret: Effect.fn("TakingAway.rotateSecret")(function* (id) {
      const secret = yield* newClientSecret
      const changed = clients.setSecret(id, { digest: digest(secret), expiresAt: Option.none() })
      return (yield* endClient(id, changed, "SecretRotated")) ? Option.some(secret) : Option.none()
    }),
    changeClient: Effect.fn("TakingAway.changeClient")((id, change) => {
      const changed = clients.setMetadata(id, change)
      return change.secret === undefined
        ? andThen(changed, tellClient(id, "Updated"))
        : endClient(id, changed, "Updated")
    }),
    withdrawConsent: Effect.fn("TakingAway.withdrawConsent")(function* (subject, clientId) {
      yield* Effect.annotateCurrentSpan({ subject, clientId })
      const isNew = yield* consents.withdraw(subject, clientId)
      yield* outliving(revoke({ subject, clientId }, "ConsentWithdrawn"))
      if (isNew) yield* events.publish({ _tag: "ConsentWithdrawn", subject, clientId })
    }),
    revokeGrant: Effect.fn("TakingAway.revokeGrant")(function* (grantId) {
      const grant = yield* grants.find(grantId)
      if (Option.isNone(grant)) return Option.none()
      const reason = "OperatorRevoked"
      const isNew = yield* grants.revoke(grantId, reason, yield* DateTime.now)
      const { clientId, subject } = grant.value.terms
      yield* Effect.annotateCurrentSpan({ grantId, subject, clientId })
      if (isNew) yield* events.publish({ _tag: "Revoked", grantId, subject, clientId, reason })
      return Option.some(isNew)
    }),
    revokeGrants: Effect.fn("TakingAway.revokeGrants")((whose) =>
      Effect.annotateCurrentSpan({ ...whose }).pipe(
        Effect.zipRight(outliving(Effect.zipRight(endEpochs(whose), revoke(whose, "OperatorRevoked"))))
      )
    )
  })
})

export const layer = Layer.scoped(TakingAway, make)
