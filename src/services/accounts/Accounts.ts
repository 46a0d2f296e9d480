/** The built-in accounts: making them, and logging in with a name and a password. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Account from "../../domain/Account.js"
import { AccessDenied, type TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { Events } from "../events/Events.js"
import { identifier, randomBytes } from "../keys/Crypto.js"
import { AccountStore, findOwn } from "../stores/AccountStore.js"
import { type Applicant, knownAs, PasswordHasher } from "./PasswordHasher.js"

/** What makes an account. */
export interface NewAccount {
  readonly username: Account.Username
  readonly password: Account.Password
}

export class Accounts extends Context.Tag("latchkey/Accounts")<
  Accounts,
  {
    /**
     * Makes an account; `None` where the name is taken. Well-known passwords are accepted: the caller reads the password
     * with `NewPassword.read`, which refuses them.
     */
    readonly create: (account: NewAccount) => Effect.Effect<Option.Option<Account.Account>, TemporarilyUnavailable>
    /** Makes the account only if there is none at all; `None` otherwise. The password is read as for `create`. */
    readonly createFirst: (account: NewAccount) => Effect.Effect<Option.Option<Account.Account>, TemporarilyUnavailable>
    /**
     * The account that stands for a person of the app's own, whom the app's session vouches for; it is made at first
     * sight. Fails when the account is disabled, or is one of ours. A subject that is no `ExternalSubject` is a defect.
     */
    readonly admit: (subject: string) => Effect.Effect<Account.Account, AccessDenied | TemporarilyUnavailable>
    /**
     * The account of this name and password. A name that does not exist takes the same time, and gives the same answer,
     * as a wrong password; so does one that stands for an app's person. `applicant` is whom it is hashed for. It counts
     * nothing: `LoginThrottle.guard` does.
     */
    readonly authenticate: (
      username: Account.Username,
      password: Redacted.Redacted,
      applicant: Applicant
    ) => Effect.Effect<Option.Option<Account.Account>, TemporarilyUnavailable>
  }
>() {}

/** Stands where an account has no password. */
const ofNothing = Redacted.make("")

const make = Effect.gen(function* () {
  const store = yield* AccountStore
  const hasher = yield* PasswordHasher
  const events = yield* Events

  const prepare = ({ password, username }: NewAccount) =>
    Effect.gen(function* () {
      const account: Account.Account = {
        id: Account.Subject.make(yield* identifier),
        username,
        passwordHash: yield* hasher.hash(Account.preparePassword(password), knownAs(username)),
        createdAt: yield* DateTime.now,
        state: "Enabled",
        epoch: 1
      }
      return account
    })

  const told = (account: Account.Account, answer: "Created" | "NameTaken" | "NotFirst") =>
    answer === "Created"
      ? events
          .publish({ _tag: "AccountCreated", subject: account.id })
          .pipe(Effect.zipRight(Effect.annotateCurrentSpan({ subject: account.id })), Effect.as(Option.some(account)))
      : Effect.succeedNone

  const admitNew = Effect.fnUntraced(function* (subject: Account.Subject) {
    const { account, isNew } = yield* store.ensure({
      id: subject,
      username: Account.externalName(subject),
      passwordHash: ofNothing,
      createdAt: yield* DateTime.now,
      state: "Enabled",
      // The app's name for a person comes again after the account was deleted; what died with it must not.
      epoch: 1 + Buffer.from(yield* randomBytes(6)).readUIntBE(0, 6)
    })
    if (isNew) yield* events.publish({ _tag: "AccountCreated", subject })
    return account
  })

  return Accounts.of({
    create: Effect.fn("Accounts.create")(function* (account) {
      const prepared = yield* prepare(account)
      return yield* told(prepared, yield* store.insert(prepared))
    }),
    createFirst: Effect.fn("Accounts.createFirst")(function* (account) {
      const prepared = yield* prepare(account)
      return yield* told(prepared, yield* store.insertFirst(prepared))
    }),
    admit: Effect.fnUntraced(function* (text) {
      // What the app says must be so, or the app is at fault.
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
    authenticate: Effect.fn("Accounts.authenticate")(function* (username, password, applicant) {
      const account = yield* findOwn(store, username)
      if (Option.isSome(account)) yield* Effect.annotateCurrentSpan({ subject: account.value.id })
      const hash = Option.map(account, ({ passwordHash }) => passwordHash)
      // A password that an earlier version stored was hashed as it was typed. Whether a second hash is made depends only on
      // what was typed, and both are always made, so the time that it takes tells nothing about the account.
      const prepared = Account.preparePassword(password)
      const forms = Redacted.value(prepared) === Redacted.value(password) ? [prepared] : [prepared, password]
      const matches = yield* Effect.forEach(forms, (form) => hasher.verify(hash, form, applicant))
      return Option.filter(account, ({ state }) => matches.includes(true) && state === "Enabled")
    })
  })
})

export const layer = Layer.effect(Accounts, make)
