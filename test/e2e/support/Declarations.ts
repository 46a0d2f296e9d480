/** The exports of apps that emit declarations, as packages of a monorepo do, and the modules that a declaration may name. */
import { readFileSync } from "node:fs"
import { join } from "node:path"

/** Imports that every module below may use. */
const imports = `import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Config, Effect, Layer } from "effect"
import { AuthLayer, BearerAuth, BearerAuthApi, Pages, ResourceOwner, ScopePolicy } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"
import { makeGuard } from "latchkey/guard"
import * as AdminApi from "latchkey/admin"
import * as MasterKey from "latchkey/MasterKey"
import * as MemoryStorage from "latchkey/MemoryStorage"
import * as NodeServer from "latchkey/NodeServer"
import * as PostgresStorage from "latchkey/PostgresStorage"
import * as RedisRateLimiter from "latchkey/RedisRateLimiter"
import * as SqliteStorage from "latchkey/SqliteStorage"
import { TestClient, TokenVerifier } from "latchkey/testing"
import * as WebHandler from "latchkey/WebHandler"
import { Accounts } from "latchkey/Accounts"
import { ClientRegistration } from "latchkey/ClientRegistration"
import { Clients } from "latchkey/Clients"
import { Events } from "latchkey/Events"
import { GrantRevocation } from "latchkey/GrantRevocation"

export declare const postgres: PostgresStorage.Options
const issuer = "http://127.0.0.1:3000"
const resources = [{ uri: issuer + "/notes", scopes: { "notes:read": "Read your notes" } }]
`

const Auth = `export const Auth = AuthLayer.layer({ issuer, resources: [] })
`
const Notes = `export const Notes = HttpLayerRouter.add("GET", "/notes", Effect.map(CurrentAccess, ({ subject }) => HttpServerResponse.unsafeJson({ subject }))).pipe(
  Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] }))
)
`
const Composed = `${Notes}${Auth}`

/** Modules of an app, by what they export. */
export const modules: Readonly<Record<string, string>> = {
  "an authorization server": Auth,
  "a guard": `export const Guarded = BearerAuth.layer({ scopes: ["notes:read"] })`,
  "a guard of an HttpApi": `export class ReadNotes extends BearerAuthApi.Tag<ReadNotes>()("ReadNotes", { scopes: ["notes:read"] }) {}
export const GuardLayer = ReadNotes.layer`,
  "a guarded route": Notes,
  "a route and a server": `${Composed}export const App = Layer.provideMerge(Notes, Auth)`,
  "an app on SQLite": `${Composed}export const App = Layer.provideMerge(Notes, Auth).pipe(Layer.provide(SqliteStorage.layer({ filename: "auth.db" })))`,
  "an app on PostgreSQL": `${Composed}export const App = Layer.provideMerge(Notes, Auth).pipe(Layer.provideMerge(PostgresStorage.layer(postgres)))`,
  "an app with the API": `${Composed}export const App = Layer.provideMerge(Layer.merge(Notes, AdminApi.layer), Auth)`,
  "a served app": `${Composed}export const Served = NodeServer.serve(Layer.provideMerge(Notes, Auth), { host: "127.0.0.1", port: 3000 })`,
  "a handler of web requests": `export const handler = WebHandler.make({ issuer, resources }, MemoryStorage.layer)
export const readNotes = handler.guard({ scopes: ["notes:read"] })`,
  "a scope policy": `export const Policy = ScopePolicy.layer(({ scope }) => Effect.succeed(scope))
export const App = Layer.provide(AuthLayer.layer({ issuer, resources }), Policy)`,
  "pages and a login of the app's own": `export const Own = Layer.merge(
  Pages.layer({ loggedOutPage: () => "<!doctype html><p>See you." }),
  ResourceOwner.layer({ find: () => Effect.succeedNone, loginUrl: (returnTo) => "/sign-in?return_to=" + encodeURIComponent(returnTo) })
)`,
  "a guard as a function": `export const guard = makeGuard({ issuer, resources, resource: issuer + "/notes", scopes: ["notes:read"] }, MemoryStorage.layer)
export const checked = guard({ headers: {} })`,
  "layers with options from configuration": `export const Auth = AuthLayer.layerConfig({ issuer: Config.string("ISSUER"), resources: Config.succeed(resources) })
export const Sqlite = SqliteStorage.layerConfig({ filename: Config.string("FILE"), masterKey: MasterKey.config("KEY") })
export const Postgres = PostgresStorage.layerConfig({ url: Config.redacted("URL"), masterKey: MasterKey.config("KEY") })
export const Redis = RedisRateLimiter.layerConfig({ url: Config.redacted("URL") })`,
  "the helpers of a test": `${Auth}export const client = TestClient.serve(Auth.pipe(Layer.provide(MemoryStorage.layer)))
export const token = Effect.flatMap(client, ({ accessToken }) => accessToken({ user: "ada", scopes: [] }))
export const Verifier = TokenVerifier.layerTest({ token: { subject: "ada", scopes: [] } })`,
  "services that apps use": `export const accounts = Effect.map(Accounts, (service) => service)
export const clients = Effect.map(ClientRegistration, ({ create }) => create)
export const registered = Effect.map(Clients, (service) => service)
export const revocation = Effect.map(GrantRevocation, (service) => service)
export const events = Effect.map(Events, (service) => service)
export const script = Effect.provide(accounts, AuthLayer.layerServices({ issuer, resources }))`
}

/** The text of such a module. */
export const text = (module: string): string => `${imports}${module}\n`

/**
 * A module that exports again each value of a subpath: the answer of each function, and of a class the instance or the
 * service. It imports no other name, so that declarations have to name all types by subpaths. Only the layers and seams
 * are exported by apps in whole, of other subpaths it takes the classes.
 *
 * @param declarations the declarations of the subpath
 */
export const sweep = (subpath: string, declarations: string): string => {
  const names = Array.from(declarations.matchAll(/^export declare (const|class) (\w+)/gm), ([, kind, name]) => ({
    kind,
    name
  }))
  const isDoor =
    /\/guard$|\/(AuthLayer|AdminApi|BearerAuth|BearerAuthApi|FirstAccountSetup|MasterKey|NodeServer|Pages|ResourceOwner|ScopePolicy|WebHandler|\w+Storage|RedisRateLimiter)$/.test(
      subpath
    )
  // The members of a server's context are not for apps.
  const taken = names.filter(({ kind, name }) => (isDoor || kind === "class") && name !== "ServerContext")
  return `import type { Context } from "effect"
import * as D from "${subpath}"

declare const use: <T>(value: T) => T extends (...given: never) => infer A ? A
  : T extends Context.Tag<infer _, infer S> ? S
  : T extends new (...given: never) => infer A ? A : T
${taken.map(({ name }) => `export const ${name}_ = use(D.${name})`).join("\n")}
export {}
`
}

/** Returns the subpaths of the package, each with its declarations. */
export const subpaths = (
  folder: string,
  exports: Readonly<Record<string, string | { readonly types: string } | null>>
): ReadonlyArray<{ readonly subpath: string; readonly declarations: string }> => {
  const named = Object.entries(exports).flatMap(([path, target]) =>
    typeof target === "string" || target === null ? [] : [{ subpath: `latchkey${path.slice(1)}`, ...target }]
  )
  return named.map(({ subpath, types }) => ({ subpath, declarations: readFileSync(join(folder, types), "utf8") }))
}

/** The modules that a declaration names. */
export const named = (declaration: string): ReadonlyArray<string> =>
  Array.from(declaration.matchAll(/(?:from |import\()["']([^"']+)["']/g), ([, name = ""]) => name)
