/** The account as its user sees and changes it, at the account page and at the account API. */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { type Account, isSamePassword, type Subject } from "../../domain/Account.js"
import type { Client, ClientId } from "../../domain/Client.js"
import type { Consent } from "../../domain/Consent.js"
import type { Grant, GrantId } from "../../domain/Grant.js"
import type { TooManyRequests } from "../../domain/HttpError.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { RedirectUri } from "../../domain/RedirectUri.js"
import type { SessionId } from "../../domain/Session.js"
import * as AppUses from "../clients/AppUses.js"
import { GrantRevocation } from "../grants/GrantRevocation.js"
import * as Spans from "../Spans.js"
import { ClientStore } from "../stores/ClientStore.js"
import { ConsentStore } from "../stores/ConsentStore.js"
import { GrantStore } from "../stores/GrantStore.js"
import { Accounts } from "./Accounts.js"
import { FailedLogins } from "./FailedLogins.js"
import * as LoginNetworks from "./LoginNetworks.js"
import { type Attempt, LoginThrottle } from "./LoginThrottle.js"
import * as NewPassword from "./NewPassword.js"
import { type ListedSession, type LoggedIn, type LoginSource, Sessions } from "./Sessions.js"

/** An installation of an app: users tell them apart by when and where they allowed them. */
export interface AllowedInstallation extends LoginSource {
  readonly grantId: GrantId
  /** The app's name when the user allowed it. */
  readonly clientName: string
  readonly redirectUri: RedirectUri
  readonly allowedAt: DateTime.Utc
  /** The time of its last token; `None` if it never had one. */
  readonly lastUsedAt: Option.Option<DateTime.Utc>
}

/** An app with access to the account. */
export interface AllowedApp extends Omit<AppUses.AppUse, "installations"> {
  /** The installations of an app that has a metadata document, the newest first; empty for every other app. */
  readonly installations: ReadonlyArray<AllowedInstallation>
  readonly client: Client
  readonly consent: Consent
}

/** A password change as the user typed it. */
export interface PasswordForm {
  /** The attempt to prove the current password. */
  readonly attempt: Attempt
  readonly current: Redacted.Redacted
  readonly password: string
  readonly passwordAgain: string
}

/** Why a password change is refused. */
export type PasswordProblem = "WrongPassword" | NewPassword.Problem | "PasswordsDiffer"

/** The result of a password change. */
export type PasswordChange =
  | {
      readonly _tag: "Changed"
      /** The account with its new epoch: a session under it can begin. */
      readonly account: Account
      /** Number of other sessions that the change ended. */
      readonly sessions: number
      /** Number of apps whose access the change ended. */
      readonly apps: number
    }
  | { readonly _tag: "Refused"; readonly problems: ReadonlyArray<PasswordProblem> }

export class AccountOverview extends Context.Tag("latchkey/AccountOverview")<
  AccountOverview,
  {
    /** Returns the apps with access to the account. */
    readonly apps: (subject: Subject) => Effect.Effect<ReadonlyArray<AllowedApp>, TemporarilyUnavailable>
    /** Removes an app's access. Returns `false` if the user never allowed the app anything. */
    readonly removeAccess: (subject: Subject, clientId: ClientId) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Removes the access of one installation of an app: its grant. `Last` if no other installation has access: then the
     * consent is withdrawn too, so that the app must ask again. `Unknown` if the grant is not a living one of the account.
     */
    readonly removeInstallation: (
      subject: Subject,
      grantId: GrantId
    ) => Effect.Effect<"Removed" | "Last" | "Unknown", TemporarilyUnavailable>
    /** Returns the account's sessions, the newest first. */
    readonly sessions: (subject: Subject) => Effect.Effect<ReadonlyArray<ListedSession>, TemporarilyUnavailable>
    /** Ends a session of the account. Returns `false` for an id that is not one of the account's own sessions. */
    readonly endSession: (subject: Subject, id: SessionId) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Changes the password, if the current password is right and the new one is acceptable; otherwise returns everything
     * that is wrong. A change ends every session and grant. A wrong current password counts like a failed login, and too
     * many of them fail the attempt.
     */
    readonly changePassword: (
      user: LoggedIn,
      form: PasswordForm
    ) => Effect.Effect<PasswordChange, TooManyRequests | TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const accounts = yield* Accounts
  const clients = yield* ClientStore
  const consents = yield* ConsentStore
  const failedLogins = yield* FailedLogins
  const grants = yield* GrantStore
  const revocation = yield* GrantRevocation
  const sessions = yield* Sessions
  const throttle = yield* LoginThrottle
  const networks = yield* LoginNetworks.make

  const installationOf = (grant: Grant): Option.Option<AllowedInstallation> =>
    Option.map(grant.terms.installation, ({ browser, clientName, sealedNetwork }) => ({
      grantId: grant.terms.id,
      clientName,
      redirectUri: grant.terms.redirectUri,
      allowedAt: grant.terms.approvedAt,
      lastUsedAt: AppUses.lastTokenAt(grant),
      browser,
      network: Option.flatMap(sealedNetwork, (sealed) => networks.open(grant.terms.sessionId, sealed))
    }))

  const appsOf = Effect.fnUntraced(function* (subject: Subject) {
    const useOf = yield* Effect.provideService(AppUses.of(subject, yield* DateTime.now), GrantStore, grants)
    const apps = yield* Effect.forEach(yield* consents.list(subject), (consent) =>
      Effect.map(
        clients.find(consent.clientId),
        Option.map((client): AllowedApp => {
          const use = useOf(consent)
          return { client, consent, ...use, installations: Arr.filterMap(use.installations, installationOf) }
        })
      )
    )
    return apps.flatMap(Option.toArray)
  })

  const removeAccess = Effect.fnUntraced(function* (subject: Subject, clientId: ClientId) {
    if (Option.isNone(yield* consents.find(subject, clientId))) return false
    yield* revocation.withdraw(subject, clientId)
    return true
  })

  /** Whether the password is the account's current one. */
  const verify = Effect.fnUntraced(function* (
    { id, username }: Account,
    password: Redacted.Redacted,
    attempt: Attempt
  ) {
    const tried = yield* throttle.guard(attempt, (applicant) => accounts.authenticate(username, password, applicant))
    if (tried._tag === "Verified") return true
    yield* Option.match(tried.pause, {
      onNone: () => Effect.void,
      onSome: (pause) => failedLogins.publishPause(username, pause)
    })
    yield* Effect.annotateLogs(Effect.logInfo("password change refused"), { subject: id, reason: "WrongPassword" })
    return false
  })

  return AccountOverview.of({
    apps: Spans.fn("AccountOverview.apps")(function* (subject) {
      Spans.annotate({ subject })
      return yield* appsOf(subject)
    }),
    removeAccess: Spans.fn("AccountOverview.removeAccess")(function* (subject, clientId) {
      return yield* removeAccess(subject, clientId)
    }),
    removeInstallation: Spans.fn("AccountOverview.removeInstallation")(function* (subject, grantId) {
      Spans.annotate({ subject, grantId })
      const app = (yield* appsOf(subject)).find(({ installations }) =>
        installations.some((installation) => installation.grantId === grantId)
      )
      if (app === undefined) return "Unknown"
      if (app.installations.length === 1) {
        yield* removeAccess(subject, app.client.id)
        return "Last"
      }
      yield* revocation.revoke(grantId, "ConsentWithdrawn")
      return "Removed"
    }),
    sessions: sessions.list,
    endSession: Spans.fn("AccountOverview.endSession")(function* (subject, id) {
      const found = (yield* sessions.list(subject)).find(({ session }) => session.id === id)
      if (found === undefined) return false
      yield* sessions.end(found.session)
      return true
    }),
    changePassword: Spans.fn("AccountOverview.changePassword")(function* ({ account, session }, form) {
      const { id } = account
      Spans.annotate({ subject: id })
      const password = yield* NewPassword.read(form.password)
      const isSame = isSamePassword(form.password, form.passwordAgain)
      const isCurrent = yield* verify(account, form.current, form.attempt)
      if (!isCurrent || Either.isLeft(password) || !isSame) {
        const problems: ReadonlyArray<PasswordProblem> = [
          ...(isCurrent ? [] : (["WrongPassword"] as const)),
          ...(Either.isLeft(password) ? [password.left] : []),
          ...(isSame ? [] : (["PasswordsDiffer"] as const))
        ]
        return { _tag: "Refused", problems }
      }

      const others = (yield* sessions.list(id)).filter((listed) => listed.session.id !== session.id)
      const allowed = yield* consents.list(id)
      const changed = yield* accounts.setPassword(id, password.right)
      // The account was deleted meanwhile.
      if (Option.isNone(changed)) return { _tag: "Refused", problems: ["WrongPassword"] }
      return { _tag: "Changed", account: changed.value, sessions: others.length, apps: allowed.length }
    })
  })
})

export const layer = Layer.effect(AccountOverview, make)
