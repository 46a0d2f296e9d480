/** INJ: texts that a database or a JSON parser could misread. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { afterAll, expect } from "vitest"
import * as PostgresStorage from "../../src/layers/PostgresStorage.js"
import * as SqliteStorage from "../../src/layers/SqliteStorage.js"
import { outcome, redirectUri, tokensOf } from "../flow/support/Server.js"
import { withSqlite } from "../layers/sqliteFiles.js"
import * as Postgres from "../support/Postgres.js"
import { family } from "./support/Catalogue.js"
import { everywhere, form, json } from "./support/Everywhere.js"
import { outcomeOf } from "./support/Outcome.js"
import type { Answer, Request } from "./support/Raw.js"
import * as Sources from "./support/Sources.js"
import type { Target } from "./support/Target.js"

const folder = mkdtempSync(join(tmpdir(), "latchkey-injection-"))
const filename = join(folder, "auth.db")
const scope = Effect.runSync(Scope.make())
afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(folder, { recursive: true })
})

const { check, control, otherwise } = family({ storage: Layer.orDie(SqliteStorage.layer({ filename })) })

/** The Authorization header of an administrator. */
const admin = async (target: Target) => {
  const asked = { grant_type: "client_credentials", scope: "latchkey:admin" }
  const client = await target.addClient({ scope: "latchkey:admin" })
  return { Authorization: `Bearer ${(await tokensOf(target.token(client, asked))).access_token}` }
}

/** Sends a request, which the server must answer below 500. */
const send = async (target: Target, request: Request, name: string): Promise<Answer> => {
  const answer = await target.http(request)
  expect(answer.status, `${request.method} ${request.path} ${name}`).toBeLessThan(500)
  return answer
}

/** The names of all tables, with their numbers of rows. */
const tables = (): Readonly<Record<string, number>> =>
  withSqlite(filename, (db) => {
    const names = db.prepare("select name from sqlite_master where type = 'table'").pluck().all() as Array<string>
    return Object.fromEntries(
      names.map((name) => [name, Number(db.prepare(`select count(*) from "${name}"`).pluck().get())])
    )
  })

const sql = ["'", '"', "' OR '1'='1", "'; DROP TABLE clients; --", "\\%27\u02bc/* 1 UNION SELECT 1"]

check(
  "INJ-01",
  "SQL in any place changes no row and causes no failure, and statements only bind texts",
  async (target) => {
    const authorization = await admin(target)
    const before = tables()
    let [clients, accounts] = [0, 0]
    for (const payload of sql) {
      for (const request of everywhere(payload, authorization)) {
        const { status } = await send(target, request, payload)
        if (status === 201 && request.path === "/register") clients += 1
        if (status === 201 && request.path === "/api/admin/users") accounts += 1
      }
    }
    const { events: _, login_counters: __, ...after } = tables()
    expect(after).toMatchObject({
      clients: (before.clients ?? 0) + clients,
      accounts: (before.accounts ?? 0) + accounts
    })
    for (const name of ["grants", "sessions", "consents", "root_keys", "resources"]) {
      expect(after[name], name).toBe(before[name])
    }
    expect(Object.keys(tables())).toEqual(Object.keys(before))
    // One file runs statements that are not literal texts. Its callers pass constants, and every value is bound.
    expect(Sources.sqlFromTexts()).toEqual(["src/layers/sql/SqlStatement.ts"])
  }
)

/** Sends texts that no database can store, in members that are stored or looked up. */
const unstorable = async (target: Target) => {
  const authorization = await admin(target)
  for (const text of ["a\0b", "a\ud800b", "\udc00"]) {
    const name = JSON.stringify(text)
    for (const member of [{ client_name: text }, { redirect_uris: [`${redirectUri}/${text}`] }]) {
      const answer = await target.http(json("/register", { redirect_uris: [redirectUri], ...member }))
      expect(answer.status, `${Object.keys(member)[0]} ${name}`).toBe(400)
    }
    const members = { client_uri: `https://client.example/${text}`, contacts: [text], software_id: text }
    const registered = await target.http(json("/register", { redirect_uris: [redirectUri], ...members }))
    for (const left of Object.keys(members)) expect(registered.json(), name).not.toHaveProperty(left)
    const user = json("/api/admin/users", { username: text, password: "a long password" }, authorization)
    expect(outcomeOf(await target.http(user)), name).toBe("400 invalid_request")
  }
  for (const path of ["users/a%00b", "clients/a%00b", "grants/a%00b", "events?user=a%00b", "grants?user=a%00b"]) {
    const answer = await target.http({ path: `/api/admin/${path}`, headers: authorization })
    expect(outcomeOf(answer), path).toBe("400 invalid_request")
  }
  const client = await target.register()
  const { url } = await target.request(client)
  for (const text of ["%00", "%ED%A0%80", "%FF"]) {
    for (const name of ["state", "login_hint", "scope", "resource", "client_id"]) {
      const answer = await target.http({ path: `${url.pathname}${url.search}&x=1&${name}=${text}` })
      expect(answer.status, `${name} ${text}`).toBe(400)
    }
    const body = `grant_type=refresh_token&client_id=${client.client_id}&refresh_token=${text}`
    const headers = { "Content-Type": "application/x-www-form-urlencoded" }
    const answer = await target.http({ method: "POST", path: "/token", headers, body })
    expect(outcomeOf(answer), text).toBe("400 invalid_request")
  }
}

otherwise(
  "INJ-02",
  "ADR 30: a member that only describes the client is dropped if it cannot be used",
  "a NUL and half a surrogate pair are refused with 400 or dropped, on SQLite and on PostgreSQL",
  async (target) => {
    await unstorable(target)
    if (Postgres.missing !== undefined) return
    const url = await Effect.runPromise(Scope.extend(Postgres.database, scope))
    const storage = PostgresStorage.layer({ url, masterKey: Redacted.make(new Uint8Array(32)), timeout: "20 seconds" })
    await unstorable(await target.another({ storage: Layer.orDie(storage) }))
  }
)

check("INJ-03", "account names are compared in normal form, and client ids and scopes exactly", async (target) => {
  const authorization = await admin(target)
  const create = (username: string) =>
    target.http(json("/api/admin/users", { username, password: "a long password" }, authorization))
  expect((await create("straße")).status).toBe(201)
  expect((await create("caf\u00e9")).status).toBe(201)
  for (const same of ["ADA", "ＡＤＡ", "ａｄａ", " ada ", "STRAßE", "cafe\u0301", "CAFÉ"]) {
    expect(outcomeOf(await create(same)), same).toBe("409 conflict")
  }
  for (const hidden of ["a\u200bda", "ada\u202e", "a da"]) {
    expect((await create(hidden)).status, JSON.stringify(hidden)).not.toBe(201)
  }
  const client = await target.register()
  const wide = client.client_id.replace(/[a-z]/, (letter) =>
    String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0)
  )
  for (const client_id of [wide, client.client_id.toUpperCase(), `${client.client_id}\u200b`]) {
    expect(await outcome(target.post("/revoke", { client_id, token: "x" })), client_id).toBe("401 invalid_client")
  }
  const { refresh_token } = await target.tokens(client)
  for (const asked of ["NOTES:READ", "notes：read", "notes:read\u200b"]) {
    const answer = target.refresh(client, refresh_token, { scope: asked })
    expect(await outcome(answer), asked).toBe("400 invalid_scope")
  }
})

otherwise(
  "INJ-04",
  "ADR 30: a member without a value counts as omitted, and a name or page of another type is dropped",
  "a value of another type is refused or dropped, and never converted",
  async (target) => {
    const authorization = await admin(target)
    const values = ["1e400", "-0", "9007199254740993", "true", "null", "[]", "{}", "1"]
    for (const value of values) {
      const register = (name: string, uris: string) => target.http(json("/register", `{"${name}":${value}${uris}}`))
      const uris = `,"redirect_uris":["${redirectUri}"]`
      expect((await register("redirect_uris", "")).status, value).toBe(400)
      for (const name of ["token_endpoint_auth_method", "grant_types"]) {
        const isMissing = value === "null" || (value === "[]" && name === "grant_types")
        expect((await register(name, uris)).status, `${name} ${value}`).toBe(isMissing ? 201 : 400)
      }
      for (const name of ["client_name", "client_uri"]) {
        const answer = await register(name, uris)
        expect(answer.status, `${name} ${value}`).toBe(201)
        expect(answer.json(), `${name} ${value}`).not.toHaveProperty(name)
      }
      for (const name of ["username", "password"]) {
        const other = name === "username" ? '"password":"a long password"' : '"username":"grace"'
        const answer = await target.http(json("/api/admin/users", `{"${name}":${value},${other}}`, authorization))
        expect(outcomeOf(answer), `${name} ${value}`).toBe("400 invalid_request")
      }
      expect((await target.http(json("/register", value))).status, value).toBe(400)
    }
    for (const limit of ["1e400", "-0", "-1", "0", "1.5", "0x10", "NaN", "true", "9007199254740993"]) {
      const answer = await target.http({ path: `/api/admin/events?limit=${limit}`, headers: authorization })
      expect(outcomeOf(answer), limit).toBe("400 invalid_request")
    }
    const twice = `{"redirect_uris":["${redirectUri}"],"client_name":"a","client_name":"b"}`
    expect((await target.http(json("/register", twice))).status).toBe(400)
  }
)

check("INJ-05", "member names of JavaScript objects, such as __proto__, are ordinary names", async (target) => {
  const names = ["__proto__", "constructor", "hasOwnProperty", "toString", "then", "valueOf"]
  const client = await target.register()
  const { url } = await target.request(client)
  for (const name of names) {
    const extra = `${name}=x&${name}[x]=y&a[${name}]=z`
    expect((await send(target, { path: `${url.pathname}${url.search}&${extra}` }, name)).status).toBe(200)
    const body = { grant_type: "refresh_token", client_id: client.client_id, refresh_token: "x", [name]: "x" }
    expect(outcomeOf(await target.http(form("/token", body))), name).toBe("400 invalid_grant")
    const metadata = `{"redirect_uris":["${redirectUri}"],"${name}":{"polluted":true,"isAdmin":true}}`
    const registered = await send(target, json("/register", metadata), name)
    expect(registered.status).toBe(201)
    expect(registered.json().polluted).toBeUndefined()
    for (const place of ["grant_type", "client_id", "refresh_token", "token"]) {
      await send(target, form("/token", { ...body, [place]: name }), name)
    }
  }
  expect({}).not.toHaveProperty("polluted")
})

// A few requests of the kind that `npm run fuzz` makes a million of.
check("INJ-09", "no mutated request causes a failure, and the database stays sound", async (target) => {
  const authorization = await admin(target)
  const requests = everywhere("a text", authorization)
  let seed = 20_261_130
  const random = (limit: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % limit
  }
  const mutated = (text: string): string => {
    const at = random(text.length + 1)
    const pieces = ["", "\0", "%00", "%", "&", "=", "\uffff", "é", "a".repeat(300), text.slice(0, at), "[]", '"', "+"]
    return text.slice(0, at) + (pieces[random(pieces.length)] ?? "") + text.slice(at + random(3))
  }
  for (let i = 0; i < 300; i++) {
    const request = requests[random(requests.length)] ?? { path: "/" }
    const { body } = request
    const changed =
      typeof body === "object"
        ? Object.fromEntries(Object.entries(body).map(([name, value]) => [mutated(name), mutated(value)]))
        : body === undefined
          ? undefined
          : mutated(body)
    await send(target, { ...request, ...(changed === undefined ? {} : { body: changed }) }, JSON.stringify(changed))
  }
  expect(withSqlite(filename, (db) => db.pragma("integrity_check", { simple: true }))).toBe("ok")
  expect(await outcome(target.refresh(await target.register(), "x"))).toBe("400 invalid_grant")
  expect(target.observed.places().log).not.toContain("server error")
})

control("INJ-02", "if a proxy in front of the server removes a NUL", {
  storage: Layer.orDie(SqliteStorage.layer({ filename: join(folder, "weak.db") })),
  mutation: { request: (sent) => ({ ...sent, body: sent.body.replaceAll("\\u0000", "") }) }
})
