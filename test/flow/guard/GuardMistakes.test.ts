/** A guard that no request could pass reports it to the author of the app: at its start, or in the log. */

import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { ResourceIndicator } from "../../../src/domain/Resource.js"
import * as BearerAuth from "../../../src/http/guard/BearerAuth.js"
import * as BearerAuthApi from "../../../src/http/guard/BearerAuthApi.js"
import { makeGuard } from "../../../src/layers/Guard.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import { ResourceStore } from "../../../src/services/stores/ResourceStore.js"
import * as Server from "../support/Server.js"
import { files, issuer, notes, outcome, resource, test, tokensOf } from "../support/Server.js"
import * as Storage from "../support/Storage.js"

const both = { settings: { resources: [notes, files] } }

/** Returns the reason why a server with this guard does not start. */
const mistake = (routes: NonNullable<Server.Options["routes"]>, options: Server.Options = {}) =>
  Effect.flip(Server.make({ ...options, routes }))

/** A logger that keeps warnings and errors. */
const keeping = () => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    if (logLevel._tag === "Warning" || logLevel._tag === "Error") lines.push(String(message))
  })
  return { lines, logger }
}

/** A storage in which the operator has created a resource with these scopes. */
const archiveOf = (scopes: Readonly<Record<string, string>>) =>
  Storage.changed(
    Storage.verbs(ResourceStore, () => ({
      list: Effect.succeed([{ uri: ResourceIndicator.make(`${issuer}/archive`), scopes, credentials: Option.none() }])
    }))
  )

describe("a guard of a resource of the settings", () => {
  it.scoped.each<readonly [ReadonlyArray<string>, string]>([
    [["notes:raed"], '"notes:raed" (did you mean "notes:read"?)'],
    [["notes:read", "note:write"], '"note:write" (did you mean "notes:write"?)'],
    [["NOTES:READ"], '"NOTES:READ" (did you mean "notes:read"?)'],
    [["files:read"], '"files:read"'],
    [["calendar"], '"calendar"; it offers notes:read notes:write']
  ])("a guard with the scopes %j, which its resource does not offer, does not start", ([scopes, said]) =>
    Effect.gen(function* () {
      const error = yield* mistake(Server.guarded("/notes", { scopes, resource }), both)
      expect(error).toBeInstanceOf(BearerAuth.UnknownScope)
      expect(error.message).toContain(`BearerAuth with the scopes ${JSON.stringify(scopes)}`)
      expect(error.message).toContain(said)
    })
  )

  it.scoped("an error about the guard of an HttpApi names the guard", () =>
    Effect.gen(function* () {
      class ReadNotes extends BearerAuthApi.Tag<ReadNotes>()("ReadNotes", { scopes: ["notes:raed"] }) {}
      const error = yield* mistake(Layer.effectDiscard(Effect.scoped(Layer.build(ReadNotes.layer))))
      expect(error.message).toContain('BearerAuthApi "ReadNotes" with the scopes ["notes:raed"]')
    })
  )

  it.effect("a guard function with a mistake rejects", () =>
    Effect.promise(async () => {
      const guard = makeGuard({ issuer, resources: [notes], scopes: ["notes:raed"] }, MemoryStorage.layer)
      await expect(guard({ headers: {} })).rejects.toThrow(/did you mean "notes:read"/)
      await guard.dispose()
    })
  )
})

describe("a guard that does not say which resource it guards", () => {
  it.scoped.each<readonly [ReadonlyArray<typeof notes | typeof files>, string]>([
    [
      [notes, files],
      `The settings and the storage have ${resource}, ${issuer}/files. Name one of them in the option \`resource\``
    ],
    [[], "The settings and the storage have no resource. Name the resource in the option `resource`"]
  ])("the error of a guard without a resource names the guard, the option and the resources: %#", ([resources, said]) =>
    Effect.gen(function* () {
      const error = yield* mistake(Server.guarded("/x", { scopes: ["notes:read"] }), { settings: { resources } })
      expect(error).toBeInstanceOf(BearerAuth.UnknownResource)
      expect(error.message).toContain('BearerAuth with the scopes ["notes:read"] does not say which resource it guards')
      expect(error.message).toContain(said)
    })
  )
})

describe("a guard with a name", () => {
  it.scoped("an error of a guard has the name that the app gave it", () =>
    Effect.gen(function* () {
      const error = yield* mistake(Server.guarded("/x", { scopes: ["notes:read"], name: "GET /x" }), both)
      expect(error.message).toContain(
        'BearerAuth "GET /x" with the scopes ["notes:read"] does not say which resource it guards'
      )
      expect(error.message).toContain("in the option `resource`")
    })
  )

  it.scoped("an error about challengeScopes names the nearest scope", () =>
    Effect.gen(function* () {
      const guard = { scopes: ["notes:read"], challengeScopes: ["notes:wirte"], resource, name: "GET /x" }
      const error = yield* mistake(Server.guarded("/x", guard), both)
      expect(error).toBeInstanceOf(BearerAuth.UnknownScope)
      expect(error.message).toContain('BearerAuth "GET /x" with the scopes ["notes:read"]')
      expect(error.message).toContain('"notes:wirte" (did you mean "notes:write"?)')
    })
  )
})

describe("a guard of a resource that its operator made", () => {
  const archived = (scopes: Readonly<Record<string, string>>, guard: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const { lines, logger } = keeping()
      const start = Server.make({
        storage: archiveOf(scopes),
        routes: Server.guarded("/archive", { scopes: guard, resource: `${issuer}/archive` })
      })
      const exit = yield* Effect.exit(Effect.provide(start, Logger.replace(Logger.defaultLogger, logger)))
      return { exit, lines }
    })

  it.scoped("a guard with a misspelt scope does not start", () =>
    Effect.gen(function* () {
      const { exit } = yield* archived({ "archive:read": "Read" }, ["archive:raed"])
      expect(String(exit)).toContain('did you mean \\"archive:read\\"')
    })
  )

  it.scoped("a guard whose scope the operator may add starts with a warning that no request passes", () =>
    Effect.gen(function* () {
      const { exit, lines } = yield* archived({ "archive:read": "Read" }, ["archive:delete"])
      expect(exit._tag).toBe("Success")
      expect(lines).toEqual([expect.stringContaining('does not offer the scope "archive:delete"')])
    })
  )
})

describe("a token of the wrong kind", () => {
  const forPeople = keeping()
  test(
    "a client's own token is refused, and the log names the option that accepts it, once",
    async (server) => {
      const client = await server.addClient()
      const { access_token } = await tokensOf(server.token(client, { grant_type: "client_credentials" }))
      for (const _ of [1, 2]) {
        const answer = await server.call(access_token)
        expect(answer.status).toBe(403)
        expect(await answer.json()).toEqual({
          error: "insufficient_scope",
          error_description: "tokens that clients get for themselves are not accepted here"
        })
      }
      expect(forPeople.lines).toEqual([
        'access token refused: BearerAuth with the scopes ["notes:read"] accepts only tokens of users; its option principals: ["User","Client"] accepts tokens that clients get for themselves too'
      ])
      for (const line of forPeople.lines) expect(line).not.toContain(access_token)
    },
    { logger: forPeople.logger }
  )

  const forClients = keeping()
  test(
    "a user's token is refused where only clients pass",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      const answer = await server.call(access_token)
      expect(await answer.json()).toMatchObject({ error_description: "tokens of users are not accepted here" })
      expect(forClients.lines).toEqual([
        expect.stringContaining('principals: ["Client","User"] accepts tokens of users')
      ])
    },
    {
      logger: forClients.logger,
      routes: Server.guarded("/notes", { scopes: ["notes:read"], principals: ["Client"] })
    }
  )
})

describe("a token of the wrong kind for the API", () => {
  const { lines, logger } = keeping()
  test(
    "the API refuses the wrong kind of token, and the log names no option",
    async (server) => {
      const scope = "latchkey:account"
      const person = await server.register({ scope })
      const client = await server.addClient({ scope })
      const ofPerson = await server.tokens(person, { scope, resource: `${issuer}/api` })
      const ofClient = await tokensOf(server.token(client, { grant_type: "client_credentials", scope }))
      const call = (path: string, token: string) => server.send(path, { headers: { authorization: `Bearer ${token}` } })
      expect((await call("/api/admin/users", ofPerson.access_token)).status).toBe(403)
      expect((await call("/api/account", ofClient.access_token)).status).toBe(403)
      expect(lines).toEqual([
        'access token refused: the API with the scopes ["latchkey:admin"] accepts only tokens that clients get for themselves',
        'access token refused: the API with the scopes ["latchkey:account"] accepts only tokens of users'
      ])
    },
    { logger, api: true }
  )
})

describe("a route behind a guard", () => {
  const { lines, logger } = keeping()
  test(
    "a route that needs a scope which no resource offers is logged once",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      for (const _ of [1, 2]) expect(await outcome(server.call(access_token))).toBe("403 insufficient_scope")
      expect(lines).toEqual([
        `a route behind BearerAuth with the scopes ["notes:read"] needs a scope that no client can get: ${resource} does not offer the scope "notes:wirte" (did you mean "notes:write"?); it offers notes:read notes:write`
      ])
    },
    {
      logger,
      // What its handler fails with, its guard answers; the type of a layer does not say so.
      // @effect-diagnostics-next-line unsafeEffectTypeAssertion:off
      routes: HttpLayerRouter.add(
        "GET",
        "/notes",
        Effect.as(BearerAuth.requireScope("notes:wirte"), HttpServerResponse.empty())
      ).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] }))) as ReturnType<typeof Server.guarded>
    }
  )
})
