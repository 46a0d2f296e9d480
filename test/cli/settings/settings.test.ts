/** Settings in variables and options: their values, defaults and errors, without a process. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import * as Database from "../../../src/cli/settings/Database.js"
import * as LibraryOptions from "../../../src/cli/settings/LibraryOptions.js"
import * as MasterKey from "../../../src/cli/settings/MasterKey.js"
import type * as Settings from "../../../src/cli/settings/Settings.js"
import * as Sources from "../../../src/cli/settings/Sources.js"
import * as Target from "../../../src/cli/settings/Target.js"
import type { Failure } from "../../../src/cli/terminal/Failure.js"
import { defaultAppSchemes } from "../../../src/domain/AppSchemes.js"
import { defaultLifetimes } from "../../../src/domain/Settings.js"

const read = (options: { [Name in "host" | "port" | "issuer" | "database"]?: string | undefined }) =>
  Effect.runSync(
    Effect.either(Target.load(Record.map(options as Record<string, string | undefined>, Option.fromNullable)))
  )

type Variables = Readonly<Record<string, string>>

/** Loads the settings with these variables, and uses them. */
const withVariables = <A>(variables: Variables, use: (settings: Settings.Settings) => Effect.Effect<A, Failure>) =>
  Effect.runSync(
    Effect.flatMap(Sources.load(), ({ settings }) => use(settings)).pipe(
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables)))),
      Effect.either
    )
  )

/** Returns one setting. */
const loaded = <N extends keyof Settings.Settings>(name: N, variables: Variables) =>
  withVariables(variables, (settings) => Effect.succeed(settings[name]))

describe("the address, the issuer and the database", () => {
  it("the defaults are an address on loopback and a SQLite file", () => {
    expect(Either.getOrThrow(read({}))).toMatchObject({
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
  ])("the options %j give the issuer %s", (options, issuer, host) => {
    expect(Either.getOrThrow(read(options))).toMatchObject({ issuer, address: { host } })
  })

  it("the database is a file, a PostgreSQL server whose password is hidden, or memory", () => {
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
  ])("the options %j are refused without a secret in the message", (options, message) => {
    const error = Either.getOrThrow(Either.flip(read(options)))
    expect(error.exitCode).toBe(2)
    expect(error.message).toMatch(message)
    expect(error.message).not.toMatch(/\n|secret/)
  })
})

describe("the number of workers", () => {
  it("a server has one worker, or the number of LATCHKEY_WORKERS", () => {
    expect(Either.getOrThrow(loaded("workers", {}))).toBe(1)
    expect(Either.getOrThrow(loaded("workers", { LATCHKEY_WORKERS: "4" }))).toBe(4)
  })

  it.each(["0", "-1", "1.5", "65", "two", ""])("LATCHKEY_WORKERS=%s is refused", (workers) => {
    const error = Either.getOrThrow(Either.flip(loaded("workers", { LATCHKEY_WORKERS: workers })))
    expect(error).toMatchObject({ exitCode: 2, message: "LATCHKEY_WORKERS: give a whole number from 1 to 64" })
  })
})

describe("lifetimes and windows", () => {
  const lifetimes = (variables: Variables) =>
    withVariables(variables, (settings) => Effect.succeed(LibraryOptions.lifetimes(settings)))

  it("the lifetimes without variables are those of the library", () => {
    expect(Either.getOrThrow(lifetimes({}))).toEqual(defaultLifetimes)
  })

  it("each lifetime has a variable", () => {
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
    expect(Record.map(Either.getOrThrow(lifetimes(variables)), (value) => Duration.toMillis(value))).toEqual({
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
  })

  it.each(["forever", "600", "", "-5 seconds", "5 fortnights"])("the duration %j is refused", (text) => {
    const error = Either.getOrThrow(Either.flip(loaded("formTtl", { LATCHKEY_FORM_TTL: text })))
    expect(error).toMatchObject({ exitCode: 2, message: expect.stringMatching(/^LATCHKEY_FORM_TTL: .*"30 seconds"/) })
  })

  it("an error about two lifetimes names their variables", () => {
    expect(LibraryOptions.withVariableNames("codeWindow must not be longer than authorizationCode")).toBe(
      "LATCHKEY_CODE_WINDOW must not be longer than LATCHKEY_AUTHORIZATION_CODE_TTL"
    )
  })
})

describe("redirect URI schemes", () => {
  it.each([
    ["cursor", ["cursor"]],
    ["cursor, vscode", ["cursor", "vscode"]],
    ["", []]
  ])("LATCHKEY_REDIRECT_SCHEMES=%j is a list", (text, schemes) => {
    expect(Either.getOrThrow(loaded("redirectSchemes", { LATCHKEY_REDIRECT_SCHEMES: text }))).toEqual(schemes)
  })

  it.each([
    [{ LATCHKEY_APP_SCHEMES: "editor,cursor" }, ["editor", "cursor"]],
    [{ LATCHKEY_APP_SCHEMES: "" }, []],
    [{}, defaultAppSchemes]
  ])("a list of app schemes, also an empty one, replaces the default: %j", (variables, schemes) => {
    expect(Either.getOrThrow(loaded("appSchemes", variables))).toEqual(schemes)
  })

  it.each(["cursor:", "Cursor", "com.example.app", "cursor://"])("the scheme %j is refused", (text) => {
    expect(Either.isLeft(loaded("redirectSchemes", { LATCHKEY_REDIRECT_SCHEMES: text }))).toBe(true)
  })
})

describe("rate limits", () => {
  const read = (variables: Variables) =>
    withVariables(variables, ({ rateLimit, rateLimits }) => Effect.succeed(rateLimit ?? rateLimits))

  it("rate limits are on unless they are set to off", () => {
    expect(Either.getOrThrow(read({}))).toEqual({})
    expect(Either.getOrThrow(read({ LATCHKEY_RATE_LIMIT: "off" }))).toBe("off")
  })

  it("LATCHKEY_RATE_LIMITS changes limits by their names", () => {
    const limits = read({ LATCHKEY_RATE_LIMITS: "register=200/1 hour, login=90/1 minute,token=900/30 seconds,api=off" })
    expect(Either.getOrThrow(limits)).toEqual({
      register: { quota: 200, window: Duration.hours(1) },
      login: { quota: 90, window: Duration.minutes(1) },
      token: { quota: 900, window: Duration.seconds(30) },
      api: "off"
    })
  })

  it.each(["token", "tokens=600/1 minute", "token=600", "token=many/1 minute", "token=600/minute", "token=on"])(
    "LATCHKEY_RATE_LIMITS=%j is refused with an example of a valid value",
    (text) => {
      expect(Either.getOrThrow(Either.flip(read({ LATCHKEY_RATE_LIMITS: text })))).toMatchObject({
        exitCode: 2,
        message: expect.stringMatching(/^LATCHKEY_RATE_LIMITS\S*: .*"token=600\/1 minute,api=off"$/)
      })
    }
  )

  it.each(["on", "OFF", "0", "", "600/minute"])("LATCHKEY_RATE_LIMIT=%j is refused", (text) => {
    expect(Either.getOrThrow(Either.flip(read({ LATCHKEY_RATE_LIMIT: text })))).toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/^LATCHKEY_RATE_LIMIT: /)
    })
  })
})

describe("the limits of networks", () => {
  it("LATCHKEY_NETWORK_LIMITS gives networks a factor or off", () => {
    expect(Either.getOrThrow(loaded("networkLimits", {}))).toEqual({})
    const text = "203.0.113.0/24=off, 2001:db8::/48 = 20,192.0.2.1=1"
    expect(Either.getOrThrow(loaded("networkLimits", { LATCHKEY_NETWORK_LIMITS: text }))).toEqual({
      "203.0.113.0/24": "off",
      "2001:db8::/48": 20,
      "192.0.2.1": 1
    })
  })

  it.each([
    ...["203.0.113.0/24", "203.0.113.0/24=on", "203.0.113.0/24=0", "203.0.113.0/24=-1", "203.0.113.0/24=1.5"],
    ...["203.0.113.0/24=1001", "203.0.113.0/33=off", "office=off", "10/8=off", "=off", "10.0.0.0/8=off=off"],
    ...["10.0.0.0/8=off,10.0.0.0/8=2", "10.0.0.0/8=off;192.0.2.1=off", "off"]
  ])("LATCHKEY_NETWORK_LIMITS=%j is refused in one line", (text) => {
    expect(Either.getOrThrow(Either.flip(loaded("networkLimits", { LATCHKEY_NETWORK_LIMITS: text })))).toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/^LATCHKEY_NETWORK_LIMITS\S*: give each network once.*[^\n]$/)
    })
  })
})

describe("the timeouts of a connection", () => {
  const read = (variables: Variables) => withVariables(variables, LibraryOptions.timeouts)

  it("the timeouts are 75 seconds when idle, 10 for the headers and 30 for the request", () => {
    expect(Either.getOrThrow(read({}))).toEqual({
      keepAliveTimeout: Duration.seconds(75),
      headersTimeout: Duration.seconds(10),
      requestTimeout: Duration.seconds(30)
    })
    expect(Either.getOrThrow(read({ LATCHKEY_KEEP_ALIVE_TIMEOUT: "5 minutes" }))).toMatchObject({
      keepAliveTimeout: Duration.minutes(5)
    })
  })

  it.each(["0 seconds", "500 millis", "2 hours", "infinity", "75"])("the timeout %j is refused", (text) => {
    for (const name of ["KEEP_ALIVE", "HEADERS", "REQUEST"]) {
      const variable = `LATCHKEY_${name}_TIMEOUT`
      expect(Either.getOrThrow(Either.flip(read({ [variable]: text }))).message).toContain(`${variable}: `)
    }
  })

  it("a timeout of the headers above the timeout of the request is refused", () => {
    const error = Either.getOrThrow(Either.flip(read({ LATCHKEY_HEADERS_TIMEOUT: "31 seconds" })))
    expect(error.message).toMatch(/^LATCHKEY_HEADERS_TIMEOUT .*LATCHKEY_REQUEST_TIMEOUT/)
  })
})

describe("the maximum number of unused clients", () => {
  it("the maximum is a whole number, 0 included", () => {
    const read = (text: string) => loaded("maxUnusedClients", { LATCHKEY_MAX_UNUSED_CLIENTS: text })
    expect(Either.getOrThrow(loaded("maxUnusedClients", {}))).toBe(10_000)
    expect(Either.getOrThrow(read("0"))).toBe(0)
    for (const text of ["", "-1", "1.5", "many", "00"]) expect(Either.isLeft(read(text)), text).toBe(true)
  })
})

describe("the outbound requests", () => {
  it("requests are on for every host, and a list limits them", () => {
    expect(Either.getOrThrow(loaded("outboundRequests", {}))).toBe("on")
    expect(Either.getOrThrow(loaded("outboundRequests", { LATCHKEY_OUTBOUND_REQUESTS: "off" }))).toBe("off")
    const read = (text: string) => loaded("outboundHosts", { LATCHKEY_OUTBOUND_HOSTS: text })
    expect(Either.getOrThrow(loaded("outboundHosts", {}))).toBeUndefined()
    expect(Either.getOrThrow(read("keys.example.com, *.example.org"))).toEqual(["keys.example.com", "*.example.org"])
    expect(Either.getOrThrow(read(""))).toEqual([])
    for (const text of ["https://keys.example.com", "KEYS.example.com", "*", "a.*.b", "keys.example.com:443", "a..b"]) {
      expect(Either.isLeft(read(text)), text).toBe(true)
    }
  })
})

describe("the master key", () => {
  it("LATCHKEY_MASTER_KEY holds 32 bytes in base64url", () => {
    const key = withVariables({ LATCHKEY_MASTER_KEY: "A".repeat(43) }, MasterKey.read)
    expect(Redacted.value(Either.getOrThrow(key) ?? Redacted.make(new Uint8Array()))).toEqual(new Uint8Array(32))
    expect(Either.getOrThrow(withVariables({}, MasterKey.read))).toBeUndefined()
  })

  it.each(["", "secret", "A".repeat(42), "A".repeat(44), `${"A".repeat(42)}B`, `${"A".repeat(42)}+`])(
    "LATCHKEY_MASTER_KEY=%j is refused without a part of it in the message",
    (text) => {
      const { message } = Either.getOrThrow(Either.flip(withVariables({ LATCHKEY_MASTER_KEY: text }, MasterKey.read)))
      expect(message).toMatch(/^LATCHKEY_MASTER_KEY: /)
      expect(message).not.toMatch(/secret|AAAA/)
    }
  )
})
