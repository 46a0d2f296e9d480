/**
 * Taking away: what ends an account's, a client's or a consent's access, at once and for everything, also for what is
 * just being issued. Each first raises the epoch, after which nothing made under the earlier one is good, and then revokes
 * the rows, so that they say why (design §3).
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Password, Subject } from "../domain/Account.js"
import * as Base64Url from "../domain/Base64Url.js"
import type { ClientId } from "../domain/Client.js"
import type { GrantId, RevocationReason } from "../domain/Grant.js"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import { AccountStore } from "./AccountStore.js"
import { ClientStore } from "./ClientStore.js"
import { ConsentStore } from "./ConsentStore.js"
import { digest, randomBytes } from "./Crypto.js"
import { Events } from "./Events.js"
import { GrantStore, type Whose } from "./GrantStore.js"
import { PasswordHasher } from "./PasswordHasher.js"

/** Whether there was something to change. */
type Found = Effect.Effect<boolean, TemporarilyUnavailable>

export class TakingAway extends Context.Tag("latchkey/TakingAway")<
  TakingAway,
  {
    readonly disableAccount: (id: Subject) => Found
    /** What was issued before the account was disabled stays dead. */
    readonly enableAccount: (id: Subject) => Found
    readonly removeAccount: (id: Subject) => Found
    /** A new password ends every session and grant of the account. */
    readonly setPassword: (id: Subject, password: Password) => Found
    readonly disableClient: (id: ClientId) => Found
    readonly enableClient: (id: ClientId) => Found
    readonly removeClient: (id: ClientId) => Found
    /** A new secret; the old one, and everything issued to the client, is dead. `None` when there is no such client. */
    readonly rotateSecret: (id: ClientId) => Effect.Effect<Option.Option<Redacted.Redacted>, TemporarilyUnavailable>
    /** What a person allowed a client. */
    readonly withdrawConsent: (subject: Subject, clientId: ClientId) => Effect.Effect<void, TemporarilyUnavailable>
    /** Single grants, by the operator's hand; answers with those that were revoked. */
    readonly revokeGrants: (whose: Whose) => Effect.Effect<ReadonlyArray<GrantId>, TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const accounts = yield* AccountStore
  const clients = yield* ClientStore
  const consents = yield* ConsentStore
  const grants = yield* GrantStore
  const hasher = yield* PasswordHasher
  const events = yield* Events

  const revoke = (whose: Whose, reason: RevocationReason) =>
    Effect.flatMap(DateTime.now, (now) => grants.revokeAll(whose, reason, now))

  const account = (
    id: Subject,
    change: Effect.Effect<boolean, TemporarilyUnavailable>,
    what: "Disabled" | "Deleted" | "PasswordChanged"
  ): Found =>
    Effect.tap(change, (found) =>
      found
        ? Effect.zipRight(
            revoke({ subject: id }, "SubjectRevoked"),
            events.publish({ _tag: "AccountChanged", subject: id, change: what })
          )
        : Effect.void
    )

  const client = (
    id: ClientId,
    change: Effect.Effect<boolean, TemporarilyUnavailable>,
    what: "Disabled" | "Deleted" | "SecretRotated"
  ): Found =>
    Effect.tap(change, (found) =>
      found
        ? Effect.zipRight(
            revoke({ clientId: id }, "ClientRevoked"),
            events.publish({ _tag: "ClientChanged", clientId: id, change: what })
          )
        : Effect.void
    )

  return TakingAway.of({
    disableAccount: (id) => account(id, accounts.setState(id, "Disabled"), "Disabled"),
    enableAccount: (id) =>
      Effect.tap(accounts.setState(id, "Enabled"), (found) =>
        found ? events.publish({ _tag: "AccountChanged", subject: id, change: "Enabled" }) : Effect.void
      ),
    removeAccount: (id) => account(id, accounts.remove(id), "Deleted"),
    setPassword: (id, password) =>
      Effect.flatMap(hasher.hash(password), (hash) => account(id, accounts.setPassword(id, hash), "PasswordChanged")),
    disableClient: (id) => client(id, clients.setState(id, "Disabled"), "Disabled"),
    enableClient: (id) =>
      Effect.tap(clients.setState(id, "Enabled"), (found) =>
        found ? events.publish({ _tag: "ClientChanged", clientId: id, change: "Enabled" }) : Effect.void
      ),
    removeClient: (id) => client(id, clients.remove(id), "Deleted"),
    rotateSecret: Effect.fn("TakingAway.rotateSecret")(function* (id) {
      const secret = yield* newSecret
      const changed = clients.setSecret(id, { digest: digest(secret), expiresAt: Option.none() })
      return (yield* client(id, changed, "SecretRotated")) ? Option.some(secret) : Option.none()
    }),
    withdrawConsent: Effect.fn("TakingAway.withdrawConsent")(function* (subject, clientId) {
      yield* consents.withdraw(subject, clientId)
      yield* revoke({ subject, clientId }, "ConsentWithdrawn")
      yield* events.publish({ _tag: "ConsentWithdrawn", subject, clientId })
    }),
    revokeGrants: (whose) => revoke(whose, "OperatorRevoked")
  })
})

/** A client secret: 256 random bits, behind a prefix that scanners know. */
export const newSecret: Effect.Effect<Redacted.Redacted> = Effect.map(randomBytes(32), (bytes) =>
  Redacted.make(`lk_cs_${Base64Url.encode(bytes)}`)
)

export const layer = Layer.effect(TakingAway, make)
