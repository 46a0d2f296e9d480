/**
 * The accounts: creates and changes them, and checks a username and password.
 *
 * A change that ends the account's access first raises the account's epoch, after which nothing issued under the earlier one
 * is valid, and then marks the rows (`GrantRevocation`). It runs to its end also when the caller is interrupted. After an
 * error of the store, or the end of the process, some rows may not be marked yet. The same call continues.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Account from "../../domain/Account.js"
import type { EventKind } from "../../domain/Event.js"
import { AccessDenied, type TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { Events } from "../events/Events.js"
import { GrantRevocation } from "../grants/GrantRevocation.js"
import * as RunToEnd from "../grants/RunToEnd.js"
import { identifier, randomBytes } from "../keys/Crypto.js"
import * as Spans from "../Spans.js"
import { AccountStore, findOwn } from "../stores/AccountStore.js"
import { LoginThrottle } from "./LoginThrottle.js"
import { type Applicant, knownAs, PasswordHasher } from "./PasswordHasher.js"

/** A new account. */
export interface NewAccount {
  readonly username: Account.Username
  readonly password: Account.Password
}

/** Whether the account exists, and was changed. */
type Found = Effect.Effect<boolean, TemporarilyUnavailable>

type Change = Extract<EventKind, { readonly _tag: "AccountChanged" }>["change"]

export class Accounts extends Context.Tag("latchkey/Accounts")<
  Accounts,
  {
    /**
     * Creates an account. Returns `None` for a username that is taken. It accepts well-known passwords: the caller reads the
     * password with `NewPassword.read`, which refuses them.
     */
    readonly create: (account: NewAccount) => Effect.Effect<Option.Option<Account.Account>, TemporarilyUnavailable>
    /** Creates the account only if there is none yet; returns `None` otherwise. The password is read as for `create`. */
    readonly createFirst: (account: NewAccount) => Effect.Effect<Option.Option<Account.Account>, TemporarilyUnavailable>
    /**
     * Returns the account of a user of the app, whom the app's own session authenticates. The first call for a user creates
     * the account. Fails when the account is disabled, or is a built-in one. A subject that is no `ExternalSubject` is a
     * defect.
     */
    readonly admit: (subject: string) => Effect.Effect<Account.Account, AccessDenied | TemporarilyUnavailable>
    /**
     * Returns the account with this username and password. An unknown username takes the same time, and gets the same
     * answer, as a wrong password; so does the account of an app's user. `applicant` shares out the hashing queue. It counts
     * no failure: `LoginThrottle.guard` does.
     */
    readonly authenticate: (
      username: Account.Username,
      password: Redacted.Redacted,
      applicant: Applicant
    ) => Effect.Effect<Option.Option<Account.Account>, TemporarilyUnavailable>
    readonly find: Context.Tag.Service<AccountStore>["find"]
    readonly findByUsername: Context.Tag.Service<AccountStore>["findByUsername"]
    /** Returns a page of the accounts, the oldest first. */
    readonly list: AccountStore["Type"]["list"]
    /** Disables the account: its user cannot log in, and everything issued for it is invalid. */
    readonly disable: (id: Account.Subject) => Found
    /** Enables the account again, and ends its login pauses. Tokens that were issued before it was disabled stay invalid. */
    readonly enable: (id: Account.Subject) => Found
    /** Ends the account's login pauses, in every network. The account of an app's user has none. */
    readonly unlock: (id: Account.Subject) => Found
    /** Deletes the account. A second call returns `false`, and continues a deletion that broke off. */
    readonly remove: (id: Account.Subject) => Found
    /**
     * Sets a new password, and returns the account with its new epoch. It ends every session and grant of the account, and
     * its login pauses. Returns `None` for an unknown account and for that of an app's user, which has no password. The
     * caller reads the password with `NewPassword.read`, which refuses well-known ones.
     */
    readonly setPassword: (
      id: Account.Subject,
      password: Account.Password
    ) => Effect.Effect<Option.Option<Account.Account>, TemporarilyUnavailable>
  }
>() {}

/** The password hash of an account without a password. */
const noPassword = Redacted.make("")

const make = Effect.gen(function* () {
  const store = yield* AccountStore
  const hasher = yield* PasswordHasher
  const throttle = yield* LoginThrottle
  const events = yield* Events
  const revocation = yield* GrantRevocation
  const runToEnd = yield* RunToEnd.make

  const hash = ({ password, username }: NewAccount) => hasher.hash(Account.preparePassword(password), knownAs(username))

  const prepare = Effect.fnUntraced(function* (account: NewAccount) {
    const prepared: Account.Account = {
      id: Account.Subject.make(yield* identifier),
      username: account.username,
      passwordHash: yield* hash(account),
      createdAt: yield* DateTime.now,
      state: "Enabled",
      epoch: 1
    }
    return prepared
  })

  const publishCreated = (account: Account.Account, answer: "Created" | "NameTaken" | "NotFirst") =>
    answer === "Created"
      ? events.publish({ _tag: "AccountCreated", subject: account.id }).pipe(
          Effect.tap(() => Spans.annotate({ subject: account.id })),
          Effect.as(Option.some(account))
        )
      : Effect.succeedNone

  const admitNew = Effect.fnUntraced(function* (subject: Account.Subject) {
    const { account, isNew } = yield* store.ensure({
      id: subject,
      username: Account.externalName(subject),
      passwordHash: noPassword,
      createdAt: yield* DateTime.now,
      state: "Enabled",
      // The app uses the same subject again after the account was deleted: a random epoch keeps the old tokens invalid.
      epoch: 1 + Buffer.from(yield* randomBytes(6)).readUIntBE(0, 6)
    })
    if (isNew) yield* events.publish({ _tag: "AccountCreated", subject })
    return account
  })

  const publish = (subject: Account.Subject, change: Change) =>
    Effect.zipRight(
      Effect.sync(() => Spans.annotate({ subject })),
      events.publish({ _tag: "AccountChanged", subject, change })
    )

  const revokeAll = (subject: Account.Subject) => revocation.revokeEnded({ subject }, "SubjectRevoked")

  /** Publishes a change that raised the account's epoch, and revokes what was issued for the account. */
  const end = (id: Account.Subject, changed: Found, change: Change): Found =>
    RunToEnd.thenIfFound(changed, Effect.zipRight(publish(id, change), revokeAll(id)))

  const endPauses = (id: Account.Subject) =>
    Effect.flatMap(
      store.find(id),
      Option.match({ onNone: () => Effect.void, onSome: ({ username }) => throttle.clear(username) })
    )

  /** The account, if it has a password. */
  const findBuiltIn = (id: Account.Subject) =>
    Effect.map(
      store.find(id),
      Option.filter((account) => !Account.isExternal(account))
    )

  return Accounts.of({
    create: Spans.fn("Accounts.create")(function* (account) {
      const prepared = yield* prepare(account)
      return yield* publishCreated(prepared, yield* store.insert(prepared))
    }),
    createFirst: Spans.fn("Accounts.createFirst")(function* (account) {
      const prepared = yield* prepare(account)
      return yield* publishCreated(prepared, yield* store.insertFirst(prepared))
    }),
    admit: Effect.fnUntraced(function* (text) {
      // A malformed subject is an error of the app.
      const subject = yield* Effect.orDie(Schema.decode(Account.ExternalSubject)(text))
      const known = yield* store.find(subject)
      const account = Option.isSome(known) ? known.value : yield* admitNew(subject)
      if (!Account.isExternal(account)) {
        return yield* new AccessDenied({ reason: "SubjectTaken", description: "the account is another's" })
      }
      if (account.state === "Disabled") {
        return yield* new AccessDenied({ reason: "AccountDisabled", description: "the account is disabled" })
      }
      return account
    }),
    authenticate: Spans.fn("Accounts.authenticate")(function* (username, password, applicant) {
      // An overlong password is wrong for any username, and is not hashed.
      if (Buffer.byteLength(Redacted.value(password)) > Account.maxPasswordBytes) return Option.none()
      const account = yield* findOwn(store, username)
      if (Option.isSome(account)) Spans.annotate({ subject: account.value.id })
      const hash = Option.map(account, ({ passwordHash }) => passwordHash)
      // An earlier version hashed a password as it was typed. Whether a second hash is made depends only on the typed text,
      // and both are always made, so the time reveals nothing about the account.
      const prepared = Account.preparePassword(password)
      const forms = Redacted.value(prepared) === Redacted.value(password) ? [prepared] : [prepared, password]
      const matches = yield* Effect.forEach(forms, (form) => hasher.verify(hash, form, applicant))
      return Option.filter(account, ({ state }) => matches.includes(true) && state === "Enabled")
    }),
    find: store.find,
    findByUsername: store.findByUsername,
    list: store.list,
    disable: Effect.fn("Accounts.disable")((id) => runToEnd(end(id, store.setState(id, "Disabled"), "Disabled"))),
    enable: Effect.fn("Accounts.enable")((id) =>
      runToEnd(
        RunToEnd.thenIfFound(store.setState(id, "Enabled"), Effect.zipRight(endPauses(id), publish(id, "Enabled")))
      )
    ),
    unlock: Spans.fn("Accounts.unlock")(function* (id) {
      const account = yield* findBuiltIn(id)
      if (Option.isNone(account)) return false
      yield* runToEnd(Effect.zipRight(throttle.clear(account.value.username), publish(id, "Unlocked")))
      return true
    }),
    // Where the row is deleted already, grants of a deletion that broke off may be left.
    remove: Effect.fn("Accounts.remove")((id) =>
      runToEnd(Effect.zipLeft(RunToEnd.thenIfFound(store.remove(id), publish(id, "Deleted")), revokeAll(id)))
    ),
    setPassword: Spans.fn("Accounts.setPassword")(function* (id, password) {
      const found = yield* findBuiltIn(id)
      if (Option.isNone(found)) return Option.none()
      const { epoch, username } = found.value
      const passwordHash = yield* hash({ username, password })
      const changed = end(id, store.setPassword(id, passwordHash), "PasswordChanged")
      const isChanged = yield* runToEnd(RunToEnd.thenIfFound(changed, throttle.clear(username)))
      // After a concurrent change the stored epoch is higher, and this one is invalid: that change ends every session.
      return isChanged ? Option.some({ ...found.value, passwordHash, epoch: epoch + 1 }) : Option.none()
    })
  })
})

export const layer = Layer.scoped(Accounts, make)
