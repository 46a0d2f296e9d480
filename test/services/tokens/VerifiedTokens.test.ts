/** The tokens that a guard remembers: each change that revokes access ends them at once, by whatever process it was made. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { ClientId } from "../../../src/domain/Client.js"
import { ResourceIndicator } from "../../../src/domain/Resource.js"
import * as AuthLayer from "../../../src/layers/AuthLayer.js"
import * as Argon2 from "../../../src/layers/passwords/Argon2.js"
import * as SqliteStorage from "../../../src/layers/SqliteStorage.js"
import { ServerContext } from "../../../src/layers/wiring/ServerContext.js"
import { Accounts } from "../../../src/services/accounts/Accounts.js"
import { ClientRegistration } from "../../../src/services/clients/ClientRegistration.js"
import { Clients } from "../../../src/services/clients/Clients.js"
import { GrantRevocation } from "../../../src/services/grants/GrantRevocation.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { AccessTokens } from "../../../src/services/tokens/AccessTokens.js"
import type { Access } from "../../../src/services/tokens/CurrentAccess.js"
import { TokenRevocation } from "../../../src/services/tokens/TokenRevocation.js"
import { TokenVerifier } from "../../../src/services/tokens/TokenVerifier.js"
import * as Tokens from "../../../src/testing/Tokens.js"
import { temporaryFile } from "../../layers/temporaryFile.js"

// The effects of a test may fail in any way, and then the test fails.
// @effect-diagnostics anyUnknownInErrorContext:off

const issuer = "https://auth.example.com"
const notes = ResourceIndicator.make("https://notes.example.com/")

/** The services of one process on a database file. */
const process = (filename: string) =>
  Layer.build(
    AuthLayer.layerServices({
      issuer,
      resources: [{ uri: notes, scopes: { "notes:read": "Read your notes", "notes:write": "Write notes" } }]
    }).pipe(
      Layer.provide(SqliteStorage.layer({ filename })),
      Layer.provide(Argon2.layer({ memoryCost: 8, timeCost: 1 }))
    )
  )

type Services = Effect.Effect.Success<ReturnType<typeof process>>

/** Runs an effect with all services of a process. */
const run = <A, E, R>(services: Services, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E> =>
  Effect.provide(effect, Context.get(services, ServerContext) as Context.Context<unknown> as Context.Context<R>)

/** A token of a user or of a client, and the guard of the process that verified it. */
const remembered = (guard: Services, user: string | undefined) =>
  Effect.gen(function* () {
    const token = Redacted.make(yield* run(guard, Tokens.issue({ user, scopes: ["notes:read"] })))
    const { peek = () => undefined, verify } = Context.get(guard, TokenVerifier)
    const access = yield* verify(token, notes)
    /** As introspection verifies. */
    const verifyAll = run(
      guard,
      Effect.flatMap(AccessTokens, ({ verifyAll }) => verifyAll(token))
    )
    expect((yield* verifyAll).access.tokenId).toBe(access.tokenId)
    return { token, access, peek: () => peek(token, notes), verify: () => verify(token, notes), verifyAll }
  })

/** The changes that end the access, for a user's token and for a client's. */
const ends = {
  "the token is revoked": (token: Redacted.Redacted, { clientId }: Access) =>
    Effect.flatMap(Effect.all([TokenRevocation, ClientStore]), ([{ revoke }, clients]) =>
      Effect.flatMap(clients.find(clientId), (client) => revoke(token, Option.getOrThrow(client)))
    ),
  "the client is disabled": (_: Redacted.Redacted, { clientId }: Access) =>
    Effect.flatMap(Clients, ({ disable }) => disable(clientId)),
  "the client is deleted": (_: Redacted.Redacted, { clientId }: Access) =>
    Effect.flatMap(Clients, ({ remove }) => remove(clientId)),
  "the epoch of the client is raised": (_: Redacted.Redacted, { clientId }: Access) =>
    Effect.flatMap(ClientStore, ({ advanceEpoch }) => advanceEpoch(clientId))
}

const endsOfUsers = {
  ...ends,
  "the grant is revoked": (_: Redacted.Redacted, access: Access) =>
    Effect.flatMap(GrantRevocation, ({ revoke }) => revoke("grantId" in access ? access.grantId : never())),
  "the consent is withdrawn": (_: Redacted.Redacted, { clientId, subject }: Access) =>
    Effect.flatMap(GrantRevocation, ({ withdraw }) => withdraw(subject, clientId)),
  "the account is disabled": (_: Redacted.Redacted, { subject }: Access) =>
    Effect.flatMap(Accounts, ({ disable }) => disable(subject)),
  "the account is deleted": (_: Redacted.Redacted, { subject }: Access) =>
    Effect.flatMap(Accounts, ({ remove }) => remove(subject))
}

const never = (): never => {
  throw new Error("the token belongs to no grant")
}

/** Two processes on one file. */
const both = <A>(test: (one: Services, other: Services) => Effect.Effect<A, unknown>) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(temporaryFile, (filename) =>
        Effect.flatMap(process(filename), (one) => Effect.flatMap(process(filename), (other) => test(one, other)))
      )
    )
  )

describe.each([
  ["a user's token", "ann", endsOfUsers],
  ["a client's own token", undefined, ends]
] as const)("%s that a guard remembers", (_, user, ends) => {
  describe.each(["the same process", "another process"] as const)("after a change by %s", (place) => {
    it.each(Object.entries(ends))("the token is not accepted when %s", (_, end) =>
      both((guard, other) =>
        Effect.gen(function* () {
          const { access, peek, token, verify, verifyAll } = yield* remembered(guard, user)
          expect(peek()).toEqual(access)
          yield* run(
            place === "the same process" ? guard : other,
            end(token, access) as Effect.Effect<unknown, unknown, unknown>
          )
          expect(peek()).toBe(undefined)
          for (const verified of [Effect.asVoid(verifyAll), Effect.asVoid(verify())]) {
            expect((yield* Effect.flip(verified))._tag).toBe("InvalidToken")
          }
          expect(peek()).toBe(undefined)
        })
      )
    )
  })
})

describe("a token that a guard remembers", () => {
  it("the token is still remembered after tokens, registrations and grants of others", () =>
    both((guard) =>
      Effect.gen(function* () {
        const { access, peek } = yield* remembered(guard, "ann")
        yield* remembered(guard, "bob")
        yield* run(
          guard,
          Effect.flatMap(ClientRegistration, ({ register }) =>
            register({ redirect_uris: ["https://app.example/callback"], token_endpoint_auth_method: "none" })
          )
        )
        expect(peek()).toEqual(access)
      })
    ))

  it("a scope that the operator removes from a client is not in a remembered token of the client", () =>
    both((guard, other) =>
      Effect.gen(function* () {
        const { access, peek, verify } = yield* remembered(guard, undefined)
        expect(peek()?.scope).toEqual(new Set(["notes:read"]))
        const changed = Effect.flatMap(ClientRegistration, ({ update }) =>
          update(ClientId.make(access.clientId), { scope: "notes:write" })
        )
        yield* run(other, changed)
        expect(peek()).toBe(undefined)
        expect((yield* verify()).scope).toEqual(new Set())
      })
    ))

  it("a token of another resource is not accepted", () =>
    both((guard) =>
      Effect.gen(function* () {
        const { token } = yield* remembered(guard, "ann")
        const { peek } = Context.get(guard, AccessTokens)
        expect(peek(token, ResourceIndicator.make("https://other.example.com/"), 0)).toBe(undefined)
      })
    ))
})
