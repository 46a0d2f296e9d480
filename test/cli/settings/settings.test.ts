/** What the operator may set, and what is refused, without a process. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import * as Database from "../../../src/cli/settings/Database.js"
import * as Environment from "../../../src/cli/settings/Environment.js"
import * as ServerOptions from "../../../src/cli/settings/ServerOptions.js"
import * as Setting from "../../../src/cli/settings/Setting.js"
import { table } from "../../../src/cli/settings/Settings.js"
import type { Failure } from "../../../src/cli/terminal/Failure.js"
import { defaultAppSchemes } from "../../../src/domain/AppSchemes.js"
import { defaultLifetimes } from "../../../src/domain/Settings.js"

const given = (text: string | undefined, name: "host" | "port" | "issuer" | "database") =>
  Option.map(Option.fromNullable(text), (text) => Setting.ofOption(table[name], text))

const read = (options: { host?: string; port?: string; issuer?: string; database?: string }) =>
  Effect.runSync(
    Effect.either(
      ServerOptions.read({
        host: given(options.host, "host"),
        port: given(options.port, "port"),
        issuer: given(options.issuer, "issuer"),
        database: given(options.database, "database")
      })
    )
  )

const inEnvironment = <A>(effect: Effect.Effect<A, Failure>, variables: Readonly<Record<string, string>>) =>
  Effect.runSync(
    Effect.either(Effect.withConfigProvider(effect, ConfigProvider.fromMap(new Map(Object.entries(variables)))))
  )

describe("where a server is", () => {
  it("is on loopback unless it is told otherwise", () => {
    expect(Either.getOrThrow(read({}))).toEqual({
      address: { host: "127.0.0.1", port: 9400 },
      issuer: "http://127.0.0.1:9400",
      database: { _tag: "Sqlite", filename: "data/latchkey.db" }
    })
  })

  it.each([
    [{ host: "localhost", port: "8080" }, "http://localhost:8080", "localhost"],
    [{ host: "[::1]" }, "http://[::1]:9400", "::1"],
    [{ host: "::1" }, "http://[::1]:9400", "::1"],
    [{ port: "80" }, "http://127.0.0.1", "127.0.0.1"],
    [{ host: "0.0.0.0", issuer: "https://auth.example.com" }, "https://auth.example.com", "0.0.0.0"],
    [{ issuer: "https://example.com/auth" }, "https://example.com/auth", "127.0.0.1"]
  ])("%j has the issuer %s", (options, issuer, host) => {
    expect(Either.getOrThrow(read(options))).toMatchObject({ issuer, address: { host } })
  })

  it("keeps things in a file, on a server, or in memory", () => {
    const database = (database: string) => Either.getOrThrow(read({ database })).database
    expect(database("sqlite:/srv/auth.db")).toEqual({ _tag: "Sqlite", filename: "/srv/auth.db" })
    expect(database("memory:")).toEqual({ _tag: "Memory" })
    const postgres = database("postgres://ada:secret@db.example.com:5433/auth?sslmode=require")
    expect(postgres._tag).toBe("Postgres")
    expect(JSON.stringify(postgres)).not.toContain("secret")
    expect(Database.format(postgres)).toBe("postgres://ada@db.example.com:5433/auth?sslmode=require")
  })

  it.each([
    [{ port: "0" }, /^--port: .*1 to 65535/],
    [{ port: "65536" }, /^--port: /],
    [{ port: "-1" }, /^--port: /],
    [{ port: "http" }, /^--port: /],
    [{ port: "" }, /^--port: /],
    [{ port: "9400 " }, /^--port: /],
    [{ host: "" }, /^--host: /],
    [{ host: "two words" }, /^--host: /],
    [{ host: "http://localhost" }, /^--host: /],
    [{ host: "a:b:c" }, /^--host: /],
    [{ host: "0.0.0.0" }, /--issuer/],
    [{ host: "::" }, /--issuer/],
    [{ host: "auth.example.com" }, /--issuer/],
    [{ issuer: "" }, /^--issuer: /],
    [{ issuer: "auth.example.com" }, /^--issuer: .*absolute/],
    [{ issuer: "http://auth.example.com" }, /^--issuer: .*https/],
    [{ issuer: "ftp://auth.example.com" }, /^--issuer: .*https/],
    [{ issuer: "https://auth.example.com/" }, /^--issuer: .*https:\/\/auth\.example\.com/],
    [{ issuer: "https://auth.example.com?a=b" }, /^--issuer: .*query/],
    [{ issuer: "https://auth.example.com#a" }, /^--issuer: .*fragment/],
    [{ issuer: "https://ada:secret@auth.example.com" }, /^--issuer: .*user/],
    [{ database: "" }, /^--database: give sqlite:PATH, postgres:/],
    [{ database: "sqlite:" }, /^--database: /],
    [{ database: "memory" }, /^--database: /],
    [{ database: "data/latchkey.db" }, /^--database: /],
    [{ database: "postgres://ada:secret@somewhere" }, /^--database: /]
  ])("%j is refused, as usage, without a word of a secret", (options, message) => {
    const refusal = Either.getOrThrow(Either.flip(read(options)))
    expect(refusal.exitCode).toBe(2)
    expect(refusal.message).toMatch(message)
    expect(refusal.message).not.toMatch(/\n|secret/)
  })
})

describe("lifetimes and windows", () => {
  it("are left alone where nothing is set", () => {
    expect(Either.getOrThrow(inEnvironment(Environment.lifetimes, {}))).toEqual({})
  })

  it("have a variable each", () => {
    const variables = {
      LATCHKEY_ACCESS_TOKEN_TTL: "5 minutes",
      LATCHKEY_AUTHORIZATION_CODE_TTL: "30 seconds",
      LATCHKEY_REFRESH_TOKEN_IDLE_TTL: "7 days",
      LATCHKEY_GRANT_TTL: "90 days",
      LATCHKEY_SESSION_TTL: "1 hour",
      LATCHKEY_FORM_TTL: "300 seconds",
      LATCHKEY_REFRESH_WINDOW: "0 seconds",
      LATCHKEY_CODE_WINDOW: "1500 millis",
      LATCHKEY_KEY_TTL: "30 days",
      LATCHKEY_EVENT_RETENTION: "365 days",
      LATCHKEY_UNUSED_CLIENT_TTL: "1 day",
      LATCHKEY_ABANDONED_CLIENT_TTL: "365 days"
    }
    const lifetimes = Either.getOrThrow(inEnvironment(Environment.lifetimes, variables))
    expect(
      Object.fromEntries(Object.entries(lifetimes).map(([name, value]) => [name, Duration.toMillis(value)]))
    ).toEqual({
      accessToken: 300_000,
      authorizationCode: 30_000,
      refreshTokenIdle: 604_800_000,
      grant: 7_776_000_000,
      session: 3_600_000,
      form: 300_000,
      refreshWindow: 0,
      codeWindow: 1500,
      key: 2_592_000_000,
      events: 31_536_000_000,
      unusedClient: 86_400_000,
      abandonedClient: 31_536_000_000
    })
    expect(Object.keys(lifetimes).sort()).toEqual(Object.keys(defaultLifetimes).sort())
  })

  it.each(["forever", "600", "", "-5 seconds", "5 fortnights"])("%j is refused", (text) => {
    const refusal = Either.getOrThrow(Either.flip(inEnvironment(Environment.lifetimes, { LATCHKEY_FORM_TTL: text })))
    expect(refusal).toMatchObject({ exitCode: 2, message: expect.stringMatching(/^LATCHKEY_FORM_TTL: .*"30 seconds"/) })
  })

  it("are called what the operator calls them when they contradict each other", () => {
    expect(Environment.inOperatorsWords("codeWindow must not be longer than authorizationCode")).toBe(
      "LATCHKEY_CODE_WINDOW must not be longer than LATCHKEY_AUTHORIZATION_CODE_TTL"
    )
  })
})

describe("redirect URI schemes", () => {
  it.each([
    ["cursor", ["cursor"]],
    ["cursor, vscode", ["cursor", "vscode"]],
    ["", []]
  ])("%j", (text, schemes) => {
    const read = inEnvironment(Environment.redirectSchemes, { LATCHKEY_REDIRECT_SCHEMES: text })
    expect(Either.getOrThrow(read)).toEqual(schemes)
  })

  it.each([
    ["editor,cursor", ["editor", "cursor"]],
    ["", []],
    [undefined, defaultAppSchemes]
  ])("of apps: %j", (text, schemes) => {
    const read = inEnvironment(Environment.appSchemes, text === undefined ? {} : { LATCHKEY_APP_SCHEMES: text })
    expect(Either.getOrThrow(read)).toEqual(schemes)
  })

  it.each(["cursor:", "Cursor", "com.example.app", "cursor://"])("%j is refused", (text) => {
    const read = inEnvironment(Environment.redirectSchemes, { LATCHKEY_REDIRECT_SCHEMES: text })
    expect(Either.isLeft(read)).toBe(true)
  })
})

describe("rate limits", () => {
  const read = (variables: Readonly<Record<string, string>>) =>
    inEnvironment(
      Effect.map(Environment.options, ({ rateLimits }) => rateLimits),
      variables
    )

  it("are on, unless they are off", () => {
    expect(Either.getOrThrow(read({}))).toEqual({})
    expect(Either.getOrThrow(read({ LATCHKEY_RATE_LIMIT: "off" }))).toBe("off")
  })

  it("are changed one by one, by their names", () => {
    const limits = read({ LATCHKEY_RATE_LIMITS: "register=200/1 hour, login=90/1 minute,token=900/30 seconds,api=off" })
    expect(Either.getOrThrow(limits)).toEqual({
      register: { quota: 200, window: Duration.hours(1) },
      login: { quota: 90, window: Duration.minutes(1) },
      token: { quota: 900, window: Duration.seconds(30) },
      api: "off"
    })
  })

  it.each(["token", "tokens=600/1 minute", "token=600", "token=many/1 minute", "token=600/minute", "token=on"])(
    "are not changed by %j, which is refused in one line",
    (text) => {
      expect(Either.getOrThrow(Either.flip(read({ LATCHKEY_RATE_LIMITS: text })))).toMatchObject({
        exitCode: 2,
        message: expect.stringMatching(
          /^LATCHKEY_RATE_LIMITS\S*: give limits by their names as .*"token=600\/1 minute,api=off"$/
        )
      })
    }
  )

  it.each(["on", "OFF", "0", "", "600/minute"])("are not %j, which is refused in one line", (text) => {
    expect(Either.getOrThrow(Either.flip(read({ LATCHKEY_RATE_LIMIT: text })))).toMatchObject({
      exitCode: 2,
      message: "LATCHKEY_RATE_LIMIT: give off, or leave it out"
    })
  })
})

describe("the limits of networks", () => {
  const read = (variables: Readonly<Record<string, string>>) =>
    inEnvironment(
      Effect.map(Environment.options, ({ networkLimits }) => networkLimits),
      variables
    )

  it("are none, unless they are given", () => {
    expect(Either.getOrThrow(read({}))).toEqual({})
    const text = "203.0.113.0/24=off, 2001:db8::/48 = 20,192.0.2.1=1"
    expect(Either.getOrThrow(read({ LATCHKEY_NETWORK_LIMITS: text }))).toEqual({
      "203.0.113.0/24": "off",
      "2001:db8::/48": 20,
      "192.0.2.1": 1
    })
  })

  it.each([
    ...["203.0.113.0/24", "203.0.113.0/24=on", "203.0.113.0/24=0", "203.0.113.0/24=-1", "203.0.113.0/24=1.5"],
    ...["203.0.113.0/24=1001", "203.0.113.0/33=off", "office=off", "10/8=off", "=off", "10.0.0.0/8=off=off"],
    ...["10.0.0.0/8=off,10.0.0.0/8=2", "10.0.0.0/8=off;192.0.2.1=off", "off"]
  ])("%j are refused in one line", (text) => {
    expect(Either.getOrThrow(Either.flip(read({ LATCHKEY_NETWORK_LIMITS: text })))).toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/^LATCHKEY_NETWORK_LIMITS\S*: give each network once, with off or .*[^\n]$/)
    })
  })
})

describe("the timeouts of a connection", () => {
  const read = (variables: Readonly<Record<string, string>>) => inEnvironment(Environment.timeouts, variables)

  it("are 75 seconds idle, 10 for the headers and 30 for the request", () => {
    expect(Either.getOrThrow(read({}))).toEqual({
      keepAliveTimeout: Duration.seconds(75),
      headersTimeout: Duration.seconds(10),
      requestTimeout: Duration.seconds(30)
    })
    expect(Either.getOrThrow(read({ LATCHKEY_KEEP_ALIVE_TIMEOUT: "5 minutes" }))).toMatchObject({
      keepAliveTimeout: Duration.minutes(5)
    })
  })

  it.each(["0 seconds", "500 millis", "2 hours", "infinity", "75"])("are not %s", (text) => {
    for (const name of ["KEEP_ALIVE", "HEADERS", "REQUEST"]) {
      const variable = `LATCHKEY_${name}_TIMEOUT`
      expect(Either.flip(read({ [variable]: text })).pipe(Either.getOrThrow).message).toContain(`${variable}: give`)
    }
  })

  it("give the headers no more time than the request", () => {
    const refusal = Either.getOrThrow(Either.flip(read({ LATCHKEY_HEADERS_TIMEOUT: "31 seconds" })))
    expect(refusal.message).toMatch(/^LATCHKEY_HEADERS_TIMEOUT .*LATCHKEY_REQUEST_TIMEOUT/)
  })
})

describe("the maximum of unused clients", () => {
  const read = (variables: Readonly<Record<string, string>>) =>
    inEnvironment(
      Effect.map(Environment.options, ({ maxUnusedClients }) => maxUnusedClients),
      variables
    )

  it("is a whole number, and 0 closes registration", () => {
    expect(Either.getOrThrow(read({}))).toBe(10_000)
    expect(Either.getOrThrow(read({ LATCHKEY_MAX_UNUSED_CLIENTS: "0" }))).toBe(0)
    for (const text of ["", "-1", "1.5", "many", "00"]) {
      expect(Either.isLeft(read({ LATCHKEY_MAX_UNUSED_CLIENTS: text })), text).toBe(true)
    }
  })
})

describe("the master key", () => {
  it("is 32 bytes in base64url", () => {
    const key = inEnvironment(Environment.masterKey, { LATCHKEY_MASTER_KEY: "A".repeat(43) })
    expect(Redacted.value(Either.getOrThrow(key) ?? Redacted.make(new Uint8Array()))).toEqual(new Uint8Array(32))
    expect(Either.getOrThrow(inEnvironment(Environment.masterKey, {}))).toBeUndefined()
  })

  it.each(["", "secret", "A".repeat(42), "A".repeat(44), `${"A".repeat(42)}B`, `${"A".repeat(42)}+`])(
    "%j is refused, and not repeated",
    (text) => {
      const key = inEnvironment(Environment.masterKey, { LATCHKEY_MASTER_KEY: text })
      const { message } = Either.getOrThrow(Either.flip(key))
      expect(message).toMatch(/^LATCHKEY_MASTER_KEY: /)
      expect(message).not.toMatch(/secret|AAAA/)
    }
  )
})
