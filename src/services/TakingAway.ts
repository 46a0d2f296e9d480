/**
 * Taking away: what ends an account's, a client's or a consent's access, at once and for everything, also for what is
 * just being issued. Each first raises the epoch, after which nothing made under the earlier one is good, and then revokes
 * the rows, so that they say why (design §3). There may be many rows: they are revoked in batches. Each verb runs to its end
 * also when the caller has gone.
 *
 * After an error of the store, or the end of the process, some rows may not be marked yet. The same call again continues, with
 * one exception: `changeClient` stores nothing a second time. There `latchkey client rotate-secret` continues, or `latchkey
 * grant revoke --client` where the client keeps no secret any more; the log says so.
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
import type { EventKind } from "../domain/Event.js"
import type { GrantId, RevocationReason } from "../domain/Grant.js"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import { LoginThrottle } from "./accounts/LoginThrottle.js"
import { knownAs, PasswordHasher } from "./accounts/PasswordHasher.js"
import { newClientSecret } from "./clients/ClientSecret.js"
import { Events } from "./events/Events.js"
import * as BulkRevocation from "./grants/BulkRevocation.js"
import { digest } from "./keys/Crypto.js"
import { AccountStore } from "./stores/AccountStore.js"
import { ClientStore, type MetadataChange } from "./stores/ClientStore.js"
import { ConsentStore } from "./stores/ConsentStore.js"
import { emptyFilter, GrantStore, isEverybody, type RevocationFilter } from "./stores/GrantStore.js"

type Change<Tag extends "AccountChanged" | "ClientChanged"> = Extract<EventKind, { readonly _tag: Tag }>["change"]

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
    /** Called again it answers `false`, and continues a removal that broke off. */
    readonly removeAccount: (id: Subject) => Found
    /**
     * A new password ends every session and grant of the account, and a pause of its logins. An account that stands for an
     * app's person has no password. The caller reads the password with `NewPassword.read`, which refuses well-known ones.
     */
    readonly setPassword: (id: Subject, password: Password) => Found
    readonly disableClient: (id: ClientId) => Found
    readonly enableClient: (id: ClientId) => Found
    /** Called again it answers `false`, and continues a removal that broke off. */
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
    readonly revokeGrants: (whose: RevocationFilter) => Effect.Effect<number, TemporarilyUnavailable>
  }
>() {}

/** Tells the operator how to end what a broken-off change left, and to get a secret that is known. */
const rotateToContinue = (id: ClientId): string =>
  `Run "latchkey client rotate-secret ${id}" to continue, and for a secret that is shown`

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
  const revoke = Effect.fnUntraced(function* (whose: RevocationFilter, reason: RevocationReason) {
    const { count, first } = yield* bulk.grants(whose, reason)
    yield* Effect.forEach(first, (id) => tellOne(id, reason), { discard: true })
    return count
  })

  /** Runs to its end when the caller has gone, but not longer than the server lives. */
  const outliving = <A, E>(self: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(Effect.forkIn(self, scope), Fiber.join)

  /** A change and what follows it, where there was something to change: both run when the caller has gone. */
  const andThen = (change: Found, next: Effect.Effect<unknown, TemporarilyUnavailable>): Found =>
    outliving(Effect.tap(change, (found) => (found ? next : Effect.void)))

  /** Logs that the rest of a revocation has failed, and what continues it. */
  const orSay =
    (remedy: string) =>
    <A>(rest: Effect.Effect<A, TemporarilyUnavailable>): Effect.Effect<A, TemporarilyUnavailable> =>
      Effect.onError(rest, () =>
        Effect.logWarning(`revocation broke off: what was issued is invalid, but not yet marked as revoked. ${remedy}`)
      )

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
  const endRowsOf = (subject: Subject) =>
    Effect.all([bulk.withdraw({ subject }), revoke({ subject }, "SubjectRevoked")]).pipe(
      orSay("Do the same again to continue"),
      Effect.annotateLogs({ subject })
    )

  const endRowsTo = (clientId: ClientId, remedy = "Do the same again to continue") =>
    Effect.all([bulk.withdraw({ clientId }), revoke({ clientId }, "ClientRevoked")]).pipe(
      orSay(remedy),
      Effect.annotateLogs({ clientId })
    )

  const endAccount = (subject: Subject, changed: Found, what: Change<"AccountChanged">) =>
    andThen(changed, Effect.zipRight(tellAccount(subject, what), endRowsOf(subject)))

  const endClient = (clientId: ClientId, changed: Found, what: Change<"ClientChanged">, remedy?: string) =>
    andThen(changed, Effect.zipRight(tellClient(clientId, what), endRowsTo(clientId, remedy)))

  /** A removal, which also continues one that broke off: the row is gone then, but not what depends on it. */
  const remove = (
    removed: Found,
    tell: Effect.Effect<unknown>,
    endRows: Effect.Effect<unknown, TemporarilyUnavailable>
  ): Found => outliving(Effect.zipLeft(andThen(removed, tell), endRows))

  /** Raises the epochs of these grants, and withdraws what allowed them. */
  const endEpochs = (whose: RevocationFilter): Effect.Effect<unknown, TemporarilyUnavailable> => {
    const { clientId, subject } = whose
    if (subject !== undefined) {
      return clientId === undefined ? bulk.withdraw({ subject }) : consents.withdraw(subject, clientId)
    }
    if (clientId !== undefined) return Effect.zipRight(clients.advanceEpoch(clientId), bulk.withdraw({ clientId }))
    if (!isEverybody(whose)) return Effect.die(emptyFilter())
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
      return yield* andThen(Effect.as(throttle.clear(account.value.username), true), tellAccount(id, "Unlocked"))
    }),
    removeAccount: Effect.fn("TakingAway.removeAccount")((id) =>
      remove(accounts.remove(id), tellAccount(id, "Deleted"), endRowsOf(id))
    ),
    setPassword: Effect.fn("TakingAway.setPassword")(function* (id, password) {
      const account = yield* accounts.find(id)
      if (Option.isNone(account) || isExternal(account.value)) return false
      const { username } = account.value
      const hash = yield* hasher.hash(preparePassword(password), knownAs(username))
      const changed = accounts.setPassword(id, hash)
      return yield* andThen(endAccount(id, changed, "PasswordChanged"), throttle.clear(username))
    }),
    disableClient: Effect.fn("TakingAway.disableClient")((id) =>
      endClient(id, clients.setState(id, "Disabled"), "Disabled")
    ),
    enableClient: Effect.fn("TakingAway.enableClient")((id) =>
      andThen(clients.setState(id, "Enabled"), tellClient(id, "Enabled"))
    ),
    removeClient: Effect.fn("TakingAway.removeClient")((id) =>
      remove(clients.remove(id), tellClient(id, "Deleted"), endRowsTo(id))
    ),
    rotateSecret: Effect.fn("TakingAway.rotateSecret")(function* (id) {
      const secret = yield* newClientSecret
      const changed = clients.setSecret(id, { digest: digest(secret), expiresAt: Option.none() })
      const isNew = yield* endClient(id, changed, "SecretRotated", rotateToContinue(id))
      return isNew ? Option.some(secret) : Option.none()
    }),
    changeClient: Effect.fn("TakingAway.changeClient")((id, change) => {
      const changed = clients.setMetadata(id, change)
      if (change.secret === undefined) return andThen(changed, tellClient(id, "Updated"))
      const remedy = Option.isSome(change.secret)
        ? rotateToContinue(id)
        : `Run "latchkey grant revoke --client ${id}" to continue`
      return endClient(id, changed, "Updated", remedy)
    }),
    withdrawConsent: Effect.fn("TakingAway.withdrawConsent")(function* (subject, clientId) {
      yield* Effect.annotateCurrentSpan({ subject, clientId })
      const tell = events.publish({ _tag: "ConsentWithdrawn", subject, clientId })
      yield* outliving(
        Effect.zipRight(
          andThen(consents.withdraw(subject, clientId), tell),
          revoke({ subject, clientId }, "ConsentWithdrawn")
        )
      )
    }),
    revokeGrant: Effect.fn("TakingAway.revokeGrant")(function* (grantId) {
      const grant = yield* grants.find(grantId)
      if (Option.isNone(grant)) return Option.none()
      const reason = "OperatorRevoked"
      const { clientId, subject } = grant.value.terms
      yield* Effect.annotateCurrentSpan({ grantId, subject, clientId })
      const revoked = grants.revoke(grantId, reason, yield* DateTime.now)
      const tell = events.publish({ _tag: "Revoked", grantId, subject, clientId, reason })
      return Option.some(yield* andThen(revoked, tell))
    }),
    revokeGrants: Effect.fn("TakingAway.revokeGrants")((whose) =>
      Effect.annotateCurrentSpan({ ...whose }).pipe(
        Effect.zipRight(outliving(Effect.zipRight(endEpochs(whose), revoke(whose, "OperatorRevoked"))))
      )
    )
  })
})

export const layer = Layer.scoped(TakingAway, make)
