/**
 * Strangers reset their connections to a server in every state of a connection. The process survives and answers all other
 * clients meanwhile. A valid request that offers an upgrade is answered as if it did not.
 */
import { setTimeout as sleep } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../support/Cli.js"
import * as Postgres from "../support/Postgres.js"
import * as Raw from "../support/RawConnection.js"
import * as Composed from "./support/Composed.js"

/** A server under attack. */
interface Target extends Omit<Composed.Composed, "url"> {}

const launched = async (database?: string): Promise<Target> => {
  const env = { LATCHKEY_DATABASE: database ?? "", LATCHKEY_MASTER_KEY: Buffer.alloc(32, 7).toString("base64url") }
  const server = await Cli.startServer({ args: ["--demo"], ...(database === undefined ? {} : { env }) })
  let isAlive = true
  void server.ended.then(() => (isAlive = false))
  return {
    port: server.port,
    said: () => server.stdout() + server.stderr(),
    isAlive: () => isAlive,
    stop: async () => void (await server.stop())
  }
}

const registration = JSON.stringify({ redirect_uris: ["https://client.example/callback"], client_name: "Honest" })

const json = (body: string) => ({ "Content-Type": "application/json", "Content-Length": String(body.length) })

const form = { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": "100" }

const x = { Connection: "Upgrade", Upgrade: "x" }

/** The actions of a stranger before the reset, for each state of the connection. */
const states: Readonly<Record<string, (connection: Raw.RawConnection) => unknown>> = {
  "before the headers": () => {},
  "in the headers": ({ write }) => write("POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Ty"),
  "in the body": ({ write }) => write(Raw.request("POST /token", form, "grant_type=")),
  "in the body, in the middle of a chunk": ({ write }) =>
    write(Raw.request("POST /token", { ...form, "Content-Length": "", "Transfer-Encoding": "chunked" }, "a\r\ngrant")),
  "while it waits to continue": async ({ until, write }) => {
    write(Raw.request("POST /token", { ...form, Expect: "100-continue" }))
    await until("100 Continue")
  },
  "before the answer": ({ write }) => write(Raw.request("POST /register", json(registration), registration)),
  "in the answer": async ({ until, write }) => {
    write(Raw.request("GET /.well-known/oauth-authorization-server"))
    await until("HTTP/1.1 200")
  },
  "in a long answer that is not read": async ({ socket, until, write }) => {
    // The description of the API, if there is one: it is larger than the buffers of a connection.
    write(Raw.request("GET /api/docs"))
    await until("HTTP/1.1 ")
    socket.pause()
    await sleep(20)
  },
  "after a malformed request": ({ write }) => write("\r\nGET\r\n\r\n"),
  "before the answer to an upgrade": ({ write }) => write(Raw.request("GET /health", x)),
  "after the answer to an upgrade": async ({ until, write }) => {
    write(Raw.request("GET /health", x))
    await until("HTTP/1.1 200")
  },
  "after an upgrade, and what came behind it": async ({ until, write }) => {
    write(`${Raw.request("GET /health", x)}and more of it`)
    await until("HTTP/1.1 200")
  },
  "in the body of a request that offers an upgrade": ({ write }) =>
    write(Raw.request("POST /token", { ...form, ...Raw.h2c }, "grant_type=")),
  "before the answer to a WebSocket's handshake": ({ write }) => write(Raw.request("GET /health", Raw.webSocket)),
  "after the answer to a WebSocket's handshake": async ({ until, write }) => {
    write(Raw.request("GET /health", Raw.webSocket))
    await until("HTTP/1.1 200")
  },
  "before the answer to CONNECT": ({ write }) => write(Raw.request("CONNECT example.com:443")),
  "after the answer to CONNECT": async ({ until, write }) => {
    write(Raw.request("CONNECT example.com:443"))
    await until("HTTP/1.1 405")
  },
  "while it is kept alive": async ({ until, write }) => {
    write(Raw.request("GET /health"))
    await until("HTTP/1.1 200")
    await sleep(20)
  },
  "with more requests behind the first": ({ write }) => write(Raw.request("GET /health").repeat(5))
}

/** Requests `/ready` again and again until it is stopped. Returns the responses that were not 200 within 5 seconds. */
const bystander = (port: number) => {
  const failures: Array<string> = []
  let answered = 0
  let isOver = false
  const ask = async () => {
    while (!isOver) {
      const signal = AbortSignal.timeout(5000)
      const answer = await fetch(`http://127.0.0.1:${port}/ready`, { signal }).then(
        ({ status }) => String(status),
        (cause) => String(cause)
      )
      if (answer === "200") answered += 1
      else failures.push(answer)
      await sleep(5)
    }
  }
  const asking = ask()
  return async () => {
    isOver = true
    await asking
    return { answered, failures }
  }
}

const hasPostgres = Postgres.missing === undefined

describe.each([
  { name: "latchkey serve, on SQLite", start: launched, onPostgres: false },
  { name: "latchkey serve, on PostgreSQL", start: launched, onPostgres: true },
  { name: "examples/compose, on SQLite", start: Composed.start, onPostgres: false },
  { name: "examples/compose, on PostgreSQL", start: Composed.start, onPostgres: true }
])("$name", ({ onPostgres, start }) => {
  describe.skipIf(onPostgres && !hasPostgres)(
    onPostgres ? Postgres.named("with the database") : "with its file",
    () => {
      const scope = Effect.runSync(Scope.make())
      let target: Target
      beforeAll(async () => {
        const database = onPostgres ? await Effect.runPromise(Scope.extend(Postgres.database, scope)) : undefined
        target = await start(database === undefined ? undefined : Redacted.value(database))
      })
      afterAll(async () => {
        await target?.stop()
        await Effect.runPromise(Scope.close(scope, Exit.void))
      })

      it.each(Object.keys(states))(
        "lives, and answers others, when strangers reset their connections %s",
        async (state) => {
          const stop = bystander(target.port)
          for (let round = 0; round < 3; round++) {
            await Promise.all(
              Array.from({ length: 5 }, async () => {
                const connection = await Raw.connect(target.port)
                await states[state]?.(connection)
                // A reset in the same step may overtake the written bytes.
                if (round > 0) await sleep(round)
                connection.reset()
              })
            )
          }
          await sleep(20)
          const { answered, failures } = await stop()
          expect(target.isAlive(), target.said()).toBe(true)
          expect(failures).toEqual([])
          expect(answered).toBeGreaterThan(0)
          expect(target.said()).not.toMatch(/unhandled|uncaught|ECONNRESET|EPIPE/i)
        }
      )

      it("a registration that offers an upgrade to HTTP/2 is answered with its body", async () => {
        const connection = await Raw.connect(target.port)
        connection.write(Raw.request("POST /register", { ...Raw.h2c, ...json(registration) }, registration))
        const answer = await connection.closed()
        expect(answer).toMatch(/^HTTP\/1\.1 201 /)
        expect(answer).toContain('"client_name":"Honest"')
      })

      it("the server closes a connection whose upgrade it ignored", async () => {
        const connection = await Raw.connect(target.port)
        connection.write(Raw.request("GET /health", x))
        expect(await connection.closed()).toMatch(/^HTTP\/1\.1 200 /)
      })
    }
  )
})
