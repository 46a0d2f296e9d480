/** The guarded client connects to no forbidden address, and its requests are bounded (RFC 6890). */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { answers, clientOf, get, http, loopbackIssuer, publicIssuer, raw } from "./support.js"

describe("forbidden destinations", () => {
  it.scopedLive("a server that is not on loopback connects to no address on loopback, however it is written", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* http((_, response) => response.end("secret"))
      const client = yield* clientOf({ issuer: publicIssuer, ...answers("127.0.0.1") })
      for (const host of [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "①②⑦.⓪.⓪.①",
        "keys.example.com",
        "keys.example.com.",
        "intranet"
      ]) {
        for (const scheme of ["http", "https"]) {
          const outcome = yield* get(client, `${scheme}://${host}:${port}/jwks`)
          expect(outcome, `${scheme} ${host}`).toMatch(/^failed: Forbidden/)
        }
      }
      expect(connections()).toBe(0)
    })
  )

  it.scopedLive("one special-use address among public ones refuses the host", () =>
    Effect.gen(function* () {
      for (const addresses of [["93.184.216.34", "10.0.0.1"], ["2600::1", "::1"], ["169.254.169.254"]]) {
        const client = yield* clientOf({ issuer: publicIssuer, ...answers(addresses) })
        expect(yield* get(client, "https://keys.example.com/jwks")).toBe("failed: ForbiddenAddress")
      }
    })
  )

  it.scopedLive("a URL with a user, a fragment, another scheme or the port of another protocol is refused", () =>
    Effect.gen(function* () {
      const { asked, resolve } = answers("93.184.216.34")
      const client = yield* clientOf({ issuer: publicIssuer, resolve })
      for (const url of [
        "http://keys.example.com/",
        "ftp://keys.example.com/",
        "file:///etc/passwd",
        "data:application/json,{}",
        "https://user@keys.example.com/",
        "https://:password@keys.example.com/",
        "https://keys.example.com/#fragment",
        "https://keys.example.com/#",
        "https://keys.example.com:22/",
        "https://keys.example.com:25/",
        "https://keys.example.com:993/",
        "https://keys.example.com./"
      ]) {
        expect(yield* get(client, url), url).toBe("failed: ForbiddenUrl")
      }
      expect(asked()).toBe(0)
    })
  )

  it.scopedLive("a server on loopback may connect to loopback, and to no other special-use address", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* http((_, response) => response.end("{}"))
      const direct = yield* clientOf()
      expect(yield* get(direct, `http://127.0.0.1:${port}/`)).toBe("{}")
      expect(yield* get(yield* clientOf(answers("127.0.0.1")), `http://localhost:${port}/`)).toBe("{}")
      expect(connections()).toBe(2)
      for (const host of ["0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"]) {
        expect(yield* get(direct, `https://${host}:${port}/`), host).toBe("failed: ForbiddenAddress")
        expect(yield* get(direct, `http://${host}:${port}/`), host).toBe("failed: ForbiddenUrl")
      }
      // The name of loopback with an address elsewhere, and another name with the address of loopback.
      expect(yield* get(yield* clientOf(answers("93.184.216.34")), `http://localhost:${port}/`)).toBe(
        "failed: ForbiddenAddress"
      )
      expect(yield* get(yield* clientOf(answers("127.0.0.1")), `http://keys.example.com:${port}/`)).toBe(
        "failed: ForbiddenUrl"
      )
      expect(connections()).toBe(2)
    })
  )

  it.scopedLive("a second answer of the name server changes nothing: the connection goes to the checked address", () =>
    Effect.gen(function* () {
      const checked = yield* http((_, response) => response.end("checked"))
      const other = yield* http((_, response) => response.end("other"), "127.0.0.2", checked.port)
      const { asked, resolve } = answers("127.0.0.1", "127.0.0.2")
      const client = yield* clientOf({ resolve })
      expect(yield* get(client, `http://localhost:${checked.port}/`)).toBe("checked")
      expect(asked()).toBe(1)
      expect(other.connections()).toBe(0)

      const rebound = answers("93.184.216.34", "127.0.0.1")
      const listener = yield* http((_, response) => response.end("secret"))
      const guarded = yield* clientOf({ issuer: publicIssuer, resolve: rebound.resolve })
      const first = yield* Effect.fork(get(guarded, `https://keys.example.com:${listener.port}/`))
      yield* Effect.sleep("200 millis")
      expect(rebound.asked()).toBe(1)
      yield* Fiber.interrupt(first)
      expect(yield* get(guarded, `https://keys.example.com:${listener.port}/`)).toBe("failed: ForbiddenAddress")
      expect(listener.connections()).toBe(0)
    })
  )

  it.scopedLive("redirects are not followed, and other statuses are no document", () =>
    Effect.gen(function* () {
      const target = yield* http((_, response) => response.end("secret"))
      const client = yield* clientOf()
      for (const status of [201, 204, 206, 301, 302, 303, 307, 308, 304, 401, 404, 500]) {
        const { port } = yield* http((_, response) =>
          response.writeHead(status, { location: `http://127.0.0.1:${target.port}/`, refresh: "0" }).end()
        )
        expect(yield* get(client, `http://127.0.0.1:${port}/`), String(status)).toBe("failed: Status")
      }
      expect(target.connections()).toBe(0)
    })
  )

  it.scopedLive("a proxy of the environment is not used", () =>
    Effect.gen(function* () {
      const proxy = yield* http((_, response) => response.end("proxy"))
      const { port } = yield* http((_, response) => response.end("direct"))
      const names = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          for (const name of names) process.env[name] = `http://127.0.0.1:${proxy.port}`
          process.env.NODE_USE_ENV_PROXY = "1"
        }),
        () =>
          Effect.sync(() => {
            for (const name of [...names, "NODE_USE_ENV_PROXY"]) delete process.env[name]
          })
      )
      expect(yield* get(yield* clientOf(), `http://127.0.0.1:${port}/`)).toBe("direct")
      expect(proxy.connections()).toBe(0)
    })
  )
})

describe("the setting of outbound requests", () => {
  it.scopedLive("only hosts of the list are asked for", () =>
    Effect.gen(function* () {
      // The server speaks no TLS: a request that is allowed gets that far.
      const { port } = yield* raw((socket) => socket.end("no TLS"))
      const { asked, resolve } = answers("127.0.0.1")
      const allowing = (...allowedHosts: ReadonlyArray<string>) =>
        clientOf({ issuer: loopbackIssuer, resolve, outbound: { allowedHosts } })
      const url = `https://keys.example.com:${port}/`
      expect(yield* get(yield* allowing("keys.example.com"), url)).toBe("failed: Unreachable")
      expect(yield* get(yield* allowing("*.example.com"), url)).toBe("failed: Unreachable")
      expect(yield* get(yield* allowing("*.example.com"), url.replace("keys", "KEYS"))).toBe("failed: Unreachable")
      const before = asked()
      for (const list of [[], ["example.com"], ["other.example.com"], ["*.keys.example.com"], ["*.xample.com"]]) {
        expect(yield* get(yield* allowing(...list), url), list.join()).toBe("failed: ForbiddenHost")
      }
      for (const host of ["example.com", "keys.example.com.evil.example", "evilexample.com"]) {
        expect(yield* get(yield* allowing("*.example.com"), `https://${host}/`), host).toBe("failed: ForbiddenHost")
      }
      expect(asked()).toBe(before)
    })
  )

  it.scopedLive("a list does not allow a special-use address", () =>
    Effect.gen(function* () {
      const client = yield* clientOf({
        issuer: publicIssuer,
        outbound: { allowedHosts: ["keys.example.com"] },
        ...answers("10.0.0.1")
      })
      expect(yield* get(client, "https://keys.example.com/")).toBe("failed: ForbiddenAddress")
    })
  )

  it.scopedLive("no request is made while they are off", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* http((_, response) => response.end("{}"))
      const client = yield* clientOf({ outbound: { isEnabled: false } })
      expect(yield* get(client, `http://127.0.0.1:${port}/`)).toBe("failed: ForbiddenHost")
      expect(connections()).toBe(0)
    })
  )
})

describe("a request", () => {
  it.scopedLive("has no cookie and no credentials, and asks for a body that is not encoded", () =>
    Effect.gen(function* () {
      const { port } = yield* http((request, response) => response.end(JSON.stringify(request.headers)))
      const headers = JSON.parse(yield* get(yield* clientOf(), `http://127.0.0.1:${port}/a?b=c`))
      expect(headers).toEqual({
        host: `127.0.0.1:${port}`,
        accept: "application/json",
        "accept-encoding": "identity",
        "user-agent": "Latchkey",
        connection: "close"
      })
    })
  )

  it.scopedLive("refuses a body that is too large, announced or not, and one that is encoded", () =>
    Effect.gen(function* () {
      const client = yield* clientOf()
      const large = "x".repeat(1001)
      const answering = (headers: Readonly<Record<string, string>>, text: string) =>
        Effect.flatMap(
          http((_, response) => response.writeHead(200, headers).end(text)),
          ({ port }) => get(client, `http://127.0.0.1:${port}/`)
        )
      expect(yield* answering({}, "x".repeat(1000))).toHaveLength(1000)
      expect(yield* answering({ "content-length": "1001" }, large)).toBe("failed: TooLarge")
      expect(yield* answering({ "transfer-encoding": "chunked" }, large)).toBe("failed: TooLarge")
      for (const encoding of ["gzip", "br", "GZIP", "identity, gzip"]) {
        expect(yield* answering({ "content-encoding": encoding }, "x")).toBe("failed: Unreachable")
      }
      const endless = yield* http((_, response) => {
        const timer = setInterval(() => response.write("x".repeat(100_000)), 1)
        response.once("close", () => clearInterval(timer))
      })
      expect(yield* get(client, `http://127.0.0.1:${endless.port}/`)).toBe("failed: TooLarge")
    })
  )

  it.scopedLive("refuses headers that are too large, and a response that is no HTTP or ends too early", () =>
    Effect.gen(function* () {
      const client = yield* clientOf()
      const answering = (text: string) =>
        Effect.flatMap(
          raw((socket) => socket.end(text)),
          ({ port }) => get(client, `http://127.0.0.1:${port}/`)
        )
      expect(yield* answering(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(20_000)}\r\n\r\n`)).toBe("failed: TooLarge")
      expect(yield* answering("SSH-2.0-OpenSSH_9.6\r\n")).toBe("failed: Unreachable")
      expect(yield* answering("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345")).toBe("failed: Unreachable")
      expect(yield* answering("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")).toMatch(
        /^failed/
      )
      expect(yield* answering("")).toBe("failed: Unreachable")
      expect(yield* get(client, "http://127.0.0.1:1/")).toBe("failed: Unreachable")
    })
  )

  it.scopedLive("ends after five seconds: name, headers and body are within the deadline", () =>
    Effect.gen(function* () {
      const silent = yield* http(() => {})
      const drip = yield* http((_, response) => {
        response.writeHead(200)
        const timer = setInterval(() => response.write("x"), 100)
        response.once("close", () => clearInterval(timer))
      })
      const hints = yield* raw((socket) => {
        const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n"), 50)
        socket.once("close", () => clearInterval(timer))
      })
      const client = yield* clientOf()
      const lost = yield* clientOf({ resolve: () => new Promise(() => {}) })
      const begun = Date.now()
      const outcomes = yield* Effect.all(
        [
          get(client, `http://127.0.0.1:${silent.port}/`),
          get(client, `http://127.0.0.1:${drip.port}/`),
          get(client, `http://127.0.0.1:${hints.port}/`),
          get(lost, "http://localhost:9/"),
          // A caller that cannot be interrupted, such as one that fills a cache.
          Effect.uninterruptible(get(client, `http://127.0.0.1:${silent.port}/`))
        ],
        { concurrency: "unbounded" }
      )
      expect(new Set(outcomes)).toEqual(new Set(["failed: Timeout"]))
      expect(Date.now() - begun).toBeLessThan(6500)
    })
  )

  it.scopedLive("waits at most a second while two requests to its host run, or sixteen in all", () =>
    Effect.gen(function* () {
      let open = 0
      let most = 0
      const { port } = yield* http((_, response) => {
        most = Math.max(most, ++open)
        response.once("close", () => open--)
      })
      const client = yield* clientOf(answers("127.0.0.1"))
      const url = (host: string) => `http://${host}:${port}/`
      const toOne = yield* Effect.fork(
        Effect.forEach([1, 2, 3, 4], () => get(client, url("127.0.0.1")), { concurrency: "unbounded" })
      )
      yield* Effect.sleep("300 millis")
      expect(most).toBe(2)
      yield* Effect.sleep("1200 millis")
      // Seven more hosts take the other fourteen places.
      const hosts = Array.from({ length: 7 }, (_, i) => `127.0.0.${i + 2}`)
      const others = yield* Effect.fork(
        Effect.forEach([...hosts, ...hosts], (host) => get(client, `https://${host}:${port}/`), {
          concurrency: "unbounded"
        })
      )
      yield* Effect.sleep("100 millis")
      expect(yield* Fiber.join(toOne)).toEqual(expect.arrayContaining(["failed: Busy", "failed: Timeout"]))
      yield* Fiber.interrupt(others)
      expect(
        yield* Effect.timeoutTo(get(client, "http://127.0.0.1:1/"), {
          duration: 900,
          onTimeout: () => "late",
          onSuccess: (outcome) => outcome
        })
      ).toBe("failed: Unreachable")
    })
  )
})
