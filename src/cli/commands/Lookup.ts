/** Finds the account, client or grant that an argument or option names. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { type Account, AccountName, externalSubject, NewUsername, Subject, Username } from "../../domain/Account.js"
import { type Client, ClientId, displayName } from "../../domain/Client.js"
import * as ClientIdUrl from "../../domain/ClientIdUrl.js"
import { type Grant, GrantId } from "../../domain/Grant.js"
import * as Identifier from "../../domain/Identifier.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { ResourceIndicator, Sentence } from "../../domain/Resource.js"
import { AccountStore } from "../../services/stores/AccountStore.js"
import { ClientStore } from "../../services/stores/ClientStore.js"
import { GrantStore } from "../../services/stores/GrantStore.js"
import { badUsage, type Failure, impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"

const parseWith =
  (schema: Schema.Schema<Username, string>) =>
  (text: string, label = "NAME"): Effect.Effect<Username, Failure> =>
    Effect.mapError(Schema.decode(schema)(text), (error) =>
      badUsage(`${label}: ${ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message}`)
    )

/** Parses the name of an account with a password. `label` names the argument or option in the error. */
export const username = parseWith(Username)

/** Parses the name of a new account. */
export const newUsername = parseWith(NewUsername)

/** Parses the name of any account, also of an account for a user of an app. */
export const accountName = parseWith(AccountName)

/** Whether a text has 1 to 200 printable characters. */
export const isSentence = Schema.is(Sentence)

const noSuch = (kind: string, text: string) => impossible(`there is no ${kind} ${Output.printable(text)}`)

export const noSuchAccount = (name: string) => noSuch("account", name)

export const noSuchClient = (id: string) => noSuch("client", id)

const orFail =
  <A, R>(find: Effect.Effect<Option.Option<A>, TemporarilyUnavailable, R>) =>
  (orElse: Failure): Effect.Effect<A, Failure | TemporarilyUnavailable, R> =>
    Effect.flatMap(find, Option.match({ onNone: () => orElse, onSome: (value) => Effect.succeed(value) }))

export const account = (name: Username): Effect.Effect<Account, Failure | TemporarilyUnavailable, AccountStore> =>
  orFail(Effect.flatMap(AccountStore, (accounts) => accounts.findByUsername(name)))(noSuchAccount(name))

export const client = (id: string): Effect.Effect<Client, Failure | TemporarilyUnavailable, ClientStore> =>
  orFail(
    Effect.flatMap(ClientStore, (clients) =>
      Option.match(Schema.decodeOption(ClientId)(id), { onNone: () => Effect.succeedNone, onSome: clients.find })
    )
  )(noSuchClient(id))

/** Finds a client by its id, which may be the URL of a metadata document that no user has allowed yet. */
export const clientOrDocument = (id: string) =>
  Effect.map(client(id), (client) => ({
    id: client.id,
    name: client.metadata.client_name === undefined ? Output.printable(client.id) : displayName(client)
  })).pipe(
    Effect.catchTag("Failure", (failure) =>
      Option.match(Option.filter(Schema.decodeOption(ClientId)(id), ClientIdUrl.isDocument), {
        onNone: () => failure,
        onSome: (id) => Effect.succeed({ id, name: Output.printable(id) })
      })
    )
  )

export const grant = (id: string): Effect.Effect<Grant, Failure | TemporarilyUnavailable, GrantStore> =>
  orFail(
    Effect.flatMap(GrantStore, (grants) =>
      Option.match(Schema.decodeOption(GrantId)(id), { onNone: () => Effect.succeedNone, onSome: grants.find })
    )
  )(noSuch("grant", id))

/** Finds a subject by the name of its account. A deleted account is named by its id. */
export const subject = (text: string, label = "--user") =>
  Effect.gen(function* () {
    const name = yield* accountName(text, label)
    const found = yield* (yield* AccountStore).findByUsername(name)
    if (Option.isSome(found)) return found.value.id
    const external = externalSubject(name)
    if (Option.isSome(external)) return external.value
    return Identifier.pattern.test(text) ? Subject.make(text) : yield* noSuchAccount(name)
  })

/** Parses the id of a client, which may be deleted. */
export const clientId = (text: string): Effect.Effect<ClientId, Failure> =>
  Effect.mapError(Schema.decode(ClientId)(text), () => badUsage("--client: this is not a client_id"))

/** Parses the id of a grant, which may be deleted. */
export const grantId = (text: string): Effect.Effect<GrantId, Failure> =>
  Effect.mapError(Schema.decode(GrantId)(text), () => badUsage("--grant: this is not the id of a grant"))

/** Parses the URL of a resource. `label` names the argument or option in the error. */
export const resourceIndicator = (text: string, label: string): Effect.Effect<ResourceIndicator, Failure> =>
  Effect.mapError(Schema.decode(ResourceIndicator)(text), (error) =>
    badUsage(`${label}: ${ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message}`)
  )

/** Parses a text of 1 to 200 printable characters. `label` names the option in the error. */
export const sentence = (text: string, label: string): Effect.Effect<string, Failure> =>
  isSentence(text.trim())
    ? Effect.succeed(text.trim())
    : badUsage(`${label}: give 1 to 200 characters, all of them printable`)

/** Parses the maximum number of results. */
export const limit = (text: string): Effect.Effect<number, Failure> =>
  /^[0-9]{1,9}$/.test(text) ? Effect.succeed(Number(text)) : badUsage("--limit: give a number, such as 20")

/** Maximum number of cached names. */
const maxNames = 10_000

/** Returns a function that finds the name of a subject, and caches it. A subject without an account keeps its id as name. */
export const names: Effect.Effect<(id: Subject) => Effect.Effect<string, TemporarilyUnavailable>, never, AccountStore> =
  Effect.map(AccountStore, (accounts) => {
    const cache = new Map<Subject, string>()
    return (id) =>
      Effect.suspend(() => {
        const name = cache.get(id)
        if (name !== undefined) return Effect.succeed(name)
        return Effect.map(accounts.find(id), (account) => {
          const name = Option.match(account, { onNone: () => Output.printable(id), onSome: ({ username }) => username })
          if (cache.size >= maxNames) cache.clear()
          cache.set(id, name)
          return name
        })
      })
  })
