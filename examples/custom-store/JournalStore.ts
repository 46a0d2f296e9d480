/**
 * A custom storage on objects that are put once (`Objects.ts`): a journal. Each change is an entry of the journal, and the nth
 * entry has the name n. So all nodes have the same order of entries, and no entry is lost or applied twice. Each node applies the
 * journal to a memory storage, which answers. The same entries in the same order give the same state everywhere, because
 * time is a parameter of every verb and no verb uses random values. There are no snapshots: a start applies the whole journal.
 */
import { Context, Effect, type Exit, Layer, Option, type Redacted } from "effect"
import { AccountStore } from "latchkey/AccountStore"
import { ClientStore } from "latchkey/ClientStore"
import { ConsentStore } from "latchkey/ConsentStore"
import { EventLog } from "latchkey/EventLog"
import { GrantStore } from "latchkey/GrantStore"
import { InitialAccessTokenStore } from "latchkey/InitialAccessTokenStore"
import type { Issuer } from "latchkey/Issuer"
import { KeyStore } from "latchkey/KeyStore"
import { LoginCounters } from "latchkey/LoginCounters"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { TemporarilyUnavailable } from "latchkey/OAuthError"
import { ResourceStore } from "latchkey/ResourceStore"
import { RevokedTokenStore } from "latchkey/RevokedTokenStore"
import { SessionStore } from "latchkey/SessionStore"
import { SpentAssertionStore } from "latchkey/SpentAssertionStore"
import { Storage, standalone } from "latchkey/Storage"
import * as Json from "./Json.js"
import { Objects, type Unreachable } from "./Objects.js"

type Answer = Effect.Effect<unknown, TemporarilyUnavailable>
type Verb = (...parameters: ReadonlyArray<unknown>) => Answer

/** The stores of an issuer in the memory storage, by name. */
const portsOf = (memory: Context.Tag.Service<Storage>, issuer: Issuer) => {
  const stores = memory.stores(issuer)
  return {
    accounts: Context.get(stores, AccountStore),
    clients: Context.get(stores, ClientStore),
    consents: Context.get(stores, ConsentStore),
    events: Context.get(stores, EventLog),
    grants: Context.get(stores, GrantStore),
    initialAccessTokens: Context.get(stores, InitialAccessTokenStore),
    keys: Context.get(stores, KeyStore),
    loginCounters: Context.get(stores, LoginCounters),
    resources: Context.get(stores, ResourceStore),
    revokedTokens: Context.get(stores, RevokedTokenStore),
    sessions: Context.get(stores, SessionStore),
    spentAssertions: Context.get(stores, SpentAssertionStore)
  }
}
type Ports = ReturnType<typeof portsOf>

/** A verb that changes rows of an issuer. */
type Entry = readonly [issuer: Issuer, port: keyof Ports, verb: string, parameters: ReadonlyArray<unknown>]

/** Names of verbs that change nothing and need no entry. No other verb has one of these names. */
const reading = new Set(["find", "findActive", "findByServer", "findByUsername", "has", "list", "read", "sealedUnder"])

/** The caller may retry. If the answer of a put was lost, the entry may exist, as with a database commit. */
const unavailable = (cause: Unreachable) =>
  new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later", cause })

const make = (masterKey: Redacted.Redacted<Uint8Array>) =>
  Effect.gen(function* () {
    const objects = yield* Objects
    const memory = yield* Storage
    const oneAtATime = (yield* Effect.makeSemaphore(1)).withPermits(1)
    let length = 0

    /** Applies the next entry to the memory storage. It is uninterruptible, because an entry must be applied as a whole. */
    const apply = (text: string) =>
      Effect.suspend(() => {
        length++
        const [issuer, port, verb, parameters] = Json.decode(text) as Entry
        const verbs = portsOf(memory, issuer)[port] as unknown as Readonly<Record<string, Verb>>
        return Effect.exit((verbs[verb] as Verb)(...parameters))
      }).pipe(Effect.uninterruptible)

    const catchUp: Effect.Effect<void, Unreachable> = Effect.flatMap(
      Effect.suspend(() => objects.get(String(length))),
      Option.match({ onNone: () => Effect.void, onSome: (text) => Effect.zipRight(apply(text), catchUp) })
    )

    /** Appends an entry. If another node was faster, retries after its entry. */
    const append = (text: string): Effect.Effect<Exit.Exit<unknown, TemporarilyUnavailable>, Unreachable> =>
      Effect.gen(function* () {
        yield* catchUp
        return (yield* objects.putIfAbsent(String(length), text)) ? yield* apply(text) : yield* append(text)
      })

    const read = (answer: Answer): Answer => Effect.zipRight(Effect.mapError(oneAtATime(catchUp), unavailable), answer)

    const write = (...entry: Entry): Answer =>
      Effect.flatten(Effect.mapError(oneAtATime(append(Json.encode(entry))), unavailable))

    const journaled = <Port extends keyof Ports>(issuer: Issuer, port: Port): Ports[Port] => {
      const verbs = Object.entries(portsOf(memory, issuer)[port]).map(([name, member]: [string, Verb | Answer]) => {
        if (typeof member !== "function") return [name, read(member)]
        const verb: Verb = (...parameters) =>
          reading.has(name) ? read(Effect.suspend(() => member(...parameters))) : write(issuer, port, name, parameters)
        return [name, verb]
      })
      return Object.fromEntries(verbs)
    }

    yield* catchUp
    return Storage.of({
      ...standalone,
      masterKey,
      // Leases and the high-water mark stay those of each node's memory.
      stores: (issuer) =>
        memory
          .stores(issuer)
          .pipe(
            Context.add(AccountStore, journaled(issuer, "accounts")),
            Context.add(ClientStore, journaled(issuer, "clients")),
            Context.add(ConsentStore, journaled(issuer, "consents")),
            Context.add(EventLog, journaled(issuer, "events")),
            Context.add(GrantStore, journaled(issuer, "grants")),
            Context.add(InitialAccessTokenStore, journaled(issuer, "initialAccessTokens")),
            Context.add(KeyStore, journaled(issuer, "keys")),
            Context.add(LoginCounters, journaled(issuer, "loginCounters")),
            Context.add(ResourceStore, journaled(issuer, "resources")),
            Context.add(RevokedTokenStore, journaled(issuer, "revokedTokens")),
            Context.add(SessionStore, journaled(issuer, "sessions")),
            Context.add(SpentAssertionStore, journaled(issuer, "spentAssertions"))
          )
    })
  })

/** A storage over objects. Every node needs the same `masterKey` of 32 bytes. */
export const layer = (options: {
  readonly masterKey: Redacted.Redacted<Uint8Array>
}): Layer.Layer<Storage, Unreachable, Objects> =>
  Layer.effect(Storage, make(options.masterKey)).pipe(Layer.provide(Layer.fresh(MemoryStorage.layer)))
