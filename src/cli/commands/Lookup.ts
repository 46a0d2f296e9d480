/** What was named on the command line, as it is kept: an account, a client, a grant. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { type Account, AccountName, externalSubject, NewUsername, Subject, Username } from "../../domain/Account.js"
import { type Client, ClientId } from "../../domain/Client.js"
import { type Grant, GrantId } from "../../domain/Grant.js"
import * as Identifier from "../../domain/Identifier.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { AccountStore } from "../../services/stores/AccountStore.js"
import { ClientStore } from "../../services/stores/ClientStore.js"
import { GrantStore } from "../../services/stores/GrantStore.js"
import { badUsage, type Failure, impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"

const reading =
  (schema: Schema.Schema<Username, string>) =>
  (text: string, source = "NAME"): Effect.Effect<Username, Failure> =>
    Effect.mapError(Schema.decode(schema)(text), (error) =>
      badUsage(`${source}: ${ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message}`)
    )

/** Reads the name of somebody who logs in here; the second argument is what it was given as. */
export const username = reading(Username)

/** Reads the name of a new account. */
export const newUsername = reading(NewUsername)

/** Reads the name of any account, also of an app's person. */
export const accountName = reading(AccountName)

const noSuch = (kind: string, text: string) => impossible(`there is no ${kind} ${Output.printable(text)}`)

export const noSuchAccount = (name: string) => noSuch("account", name)

export const noSuchClient = (id: string) => noSuch("client", id)

const found =
  <A, R>(find: Effect.Effect<Option.Option<A>, TemporarilyUnavailable, R>) =>
  (orElse: Failure): Effect.Effect<A, Failure | TemporarilyUnavailable, R> =>
    Effect.flatMap(find, Option.match({ onNone: () => orElse, onSome: (value) => Effect.succeed(value) }))

export const account = (name: Username): Effect.Effect<Account, Failure | TemporarilyUnavailable, AccountStore> =>
  found(Effect.flatMap(AccountStore, (accounts) => accounts.findByUsername(name)))(noSuchAccount(name))

export const client = (id: string): Effect.Effect<Client, Failure | TemporarilyUnavailable, ClientStore> =>
  found(
    Effect.flatMap(ClientStore, (clients) =>
      Option.match(Schema.decodeOption(ClientId)(id), { onNone: () => Effect.succeedNone, onSome: clients.find })
    )
  )(noSuchClient(id))

export const grant = (id: string): Effect.Effect<Grant, Failure | TemporarilyUnavailable, GrantStore> =>
  found(
    Effect.flatMap(GrantStore, (grants) =>
      Option.match(Schema.decodeOption(GrantId)(id), { onNone: () => Effect.succeedNone, onSome: grants.find })
    )
  )(noSuch("grant", id))

/** Whose traces are looked for: an account by its name, or one that may be gone by its id. */
export const subject = (text: string) =>
  Effect.gen(function* () {
    const name = yield* accountName(text, "--user")
    const known = yield* (yield* AccountStore).findByUsername(name)
    if (Option.isSome(known)) return known.value.id
    const external = externalSubject(name)
    if (Option.isSome(external)) return external.value
    return Identifier.pattern.test(text) ? Subject.make(text) : yield* noSuchAccount(name)
  })

/** Which client's traces are looked for; it may be gone. */
export const clientId = (text: string): Effect.Effect<ClientId, Failure> =>
  Effect.mapError(Schema.decode(ClientId)(text), () => badUsage("--client: this is no client_id"))

/** Which grant's traces are looked for; it may be gone. */
export const grantId = (text: string): Effect.Effect<GrantId, Failure> =>
  Effect.mapError(Schema.decode(GrantId)(text), () => badUsage("--grant: this is no grant's id"))

/** Reads the maximum number of results. */
export const limit = (text: string): Effect.Effect<number, Failure> =>
  /^[0-9]{1,9}$/.test(text) ? Effect.succeed(Number(text)) : badUsage("--limit: give a number, such as 20")

/** Reads an option if it was given. */
export const optional = <A, E, R>(
  given: Option.Option<string>,
  read: (text: string) => Effect.Effect<A, E, R>
): Effect.Effect<A | undefined, E, R> => Effect.map(Effect.transposeMapOption(given, read), Option.getOrUndefined)

/** Maximum number of names that are remembered. */
const maxNames = 10_000

/** The names of subjects, each looked up once in a while; an account that is gone, or was never here, is called by its id. */
export const people: Effect.Effect<
  (id: Subject) => Effect.Effect<string, TemporarilyUnavailable>,
  never,
  AccountStore
> = Effect.map(AccountStore, (accounts) => {
  const known = new Map<Subject, string>()
  return (id) =>
    Effect.suspend(() => {
      const name = known.get(id)
      if (name !== undefined) return Effect.succeed(name)
      return Effect.map(accounts.find(id), (account) => {
        const name = Option.match(account, { onNone: () => Output.printable(id), onSome: ({ username }) => username })
        if (known.size >= maxNames) known.clear()
        known.set(id, name)
        return name
      })
    })
})
