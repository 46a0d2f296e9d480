/** CIMD: where requests for client ID metadata documents may go, and their number and time. */
import type { RequestListener, ServerResponse } from "node:http"
import { createServer, type Socket } from "node:net"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect } from "vitest"
import { Issuer } from "../../src/domain/Issuer.js"
import * as GuardedOutboundClient from "../../src/layers/outbound/GuardedOutboundClient.js"
import { OutboundClient } from "../../src/services/outbound/OutboundClient.js"
import { settings } from "../services/settings.js"
import { family } from "./support/Catalogue.js"
import { ask, browserOf, careless, documentOf, expectAsked, expectRefused, hosting } from "./support/DocumentHost.js"
import { connectionsTo } from "./support/Listener.js"
import { textOf } from "./support/Login.js"
import { https, type Target } from "./support/Target.js"
import { expectPage } from "./support/Walk.js"

const { check, control, otherwise } = family()

type Resolver = (host: string) => ReadonlyArray<string> | Promise<ReadonlyArray<string>>

/** The guarded client of a server with this issuer, and a resolver, which returns addresses. */
const guarded = (issuer: string, resolve: Resolver): Layer.Layer<never> =>
  GuardedOutboundClient.layer({
    resolve: async (host) =>
      (await resolve(host)).map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
  }).pipe(Layer.provide(settings(Issuer.make(issuer)))) as Layer.Layer<never, never, never>

/** A server on loopback with a resolver, like the target. A control replaces the guarded client. */
const loopbackServer = (target: Target, resolve: Resolver) =>
  target.another({ seams: target.setup.seams ?? guarded(target.issuer, resolve) })

/** A server in the public internet, and a resolver. */
const publicServer = (target: Target, resolve: Resolver) =>
  target.another({ ...https, seams: target.setup.seams ?? guarded("https://auth.example", resolve) })

/** Special-use addresses of IPv4 and IPv6 (RFC 6890). */
const special = [
  "127.0.0.1",
  "127.255.255.254",
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "0.0.0.0",
  "192.0.0.1",
  "198.18.0.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "::1",
  "::",
  "fc00::1",
  "fd00::1",
  "fe80::1",
  "ff02::1",
  "::ffff:127.0.0.1",
  "64:ff9b::7f00:1",
  "2002:7f00:1::"
]

check("CIMD-07", "a document that is not complete after five seconds is refused, and others need not wait", (target) =>
  hosting(async (host) => {
    let open = 0
    let most = 0
    /** Sends something again and again, until the other side closes the connection. */
    const endless =
      (send: (response: ServerResponse) => void): RequestListener =>
      (_, response) => {
        most = Math.max(most, ++open)
        const timer = setInterval(() => send(response), 100)
        response.once("close", () => {
          open--
          clearInterval(timer)
        })
      }
    const headers = { "content-type": "application/json" }
    const drip = host.publish(
      "/drip",
      endless((response) => {
        if (!response.headersSent) response.writeHead(200, headers)
        response.write(" ")
      })
    )
    const hints = endless((response) => response.socket?.write("HTTP/1.1 103 Early Hints\r\n\r\n"))
    const sockets = new Set<Socket>()
    const silent = createServer((socket) => sockets.add(socket.on("error", () => {})))
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    try {
      const address = silent.address()
      const port = typeof address === "object" ? address?.port : undefined
      const lost = await loopbackServer(target, () => new Promise(() => {}))
      const [here, there] = [await browserOf(target), await browserOf(lost)]
      const begun = Date.now()
      const slow = Promise.all([
        here(drip),
        here(host.publish("/hints", hints)),
        here(`https://127.0.0.1:${port}/client.json`),
        there("https://app.example/client.json")
      ])
      await new Promise((resolve) => setTimeout(resolve, 500))
      const during = Date.now()
      expect((await target.http({ path: "/.well-known/oauth-authorization-server" })).status).toBe(200)
      expectPage(await here("https://10.0.0.1/client.json"), 400, "a request beside the slow ones")
      expect(Date.now() - during).toBeLessThan(2_000)
      // Two requests to one host run at one time, and others wait for a second at most.
      const more = await Promise.all(Array.from({ length: 5 }, (_, i) => here(host.publish(`/hints/${i}`, hints))))
      for (const answer of more) expectPage(answer, 400, "one request too many")
      for (const answer of await slow) expectPage(answer, 400, "a slow document")
      expect(Date.now() - begun).toBeLessThan(9_000)
      expect(most).toBe(2)
    } finally {
      silent.close()
      for (const socket of sockets) socket.destroy()
    }
  })
)

check(
  "CIMD-08",
  "a public server opens no connection to a special-use address, however it is named",
  async (target) => {
    const connections = await connectionsTo(async (port) => {
      const names = new Map(special.map((address, i) => [`host-${i}.example`, address]))
      const server = await publicServer(target, (host) => [names.get(host) ?? "127.0.0.1"])
      const open = await browserOf(server)
      const refuse = async (host: string) => {
        for (const scheme of ["https", "http"]) {
          const id = `${scheme}://${host}:${port}/client.json`
          expectPage(await open(id), 400, `${id} ${names.get(host)}`)
        }
      }
      for (const host of names.keys()) await refuse(host)
      for (const address of special) await refuse(address.includes(":") ? `[${address}]` : address)
      for (const host of [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "①②⑦.⓪.⓪.①",
        "localhost",
        "localhost.",
        "app.localhost",
        "printer.local",
        "127.0.0.1.nip.io",
        "7f000001.nip.io",
        "intranet"
      ]) {
        await refuse(host)
      }
    })
    expect(connections).toBe(0)
  }
)

check(
  "CIMD-09",
  "a connection goes to an address that was checked, and one private address refuses the host",
  async (target) => {
    const connections = await connectionsTo(async (port) => {
      for (const addresses of [
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
        ["2600::1", "::1"],
        ["93.184.216.34", "::1"],
        ["2600::1", "127.0.0.1"],
        []
      ]) {
        const server = await publicServer(target, () => addresses)
        await expectRefused(server, `https://app.example:${port}/client.json`, {}, addresses.join())
      }
    })
    expect(connections).toBe(0)

    // The name server gives the second address to every later question.
    await hosting(async (host) => {
      let asked = 0
      const server = await loopbackServer(target, () => [asked++ === 0 ? "127.0.0.1" : "10.0.0.1"])
      const id = `http://localhost:${host.port}/client.json`
      host.publish("/client.json", { body: documentOf(id) })
      await expectAsked(server, id)
      expect([asked, host.requests.length]).toEqual([1, 1])
      host.publish("/other.json", { body: documentOf(`http://localhost:${host.port}/other.json`) })
      await expectRefused(server, `http://localhost:${host.port}/other.json`)
      expect([asked, host.requests.length]).toEqual([2, 1])
    })
  }
)

const proxyVariables = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NODE_USE_ENV_PROXY"]

otherwise(
  "CIMD-10",
  "ADR 58: ports from 1024 on are allowed, too, and there is no setting for a proxy",
  "no proxy of the environment is used, and no port below 1024 but 443 is asked",
  async (target) => {
    const before = proxyVariables.map((name) => [name, process.env[name]] as const)
    const connections = await connectionsTo(async (port) => {
      for (const name of proxyVariables) process.env[name] = `http://127.0.0.1:${port}`
      process.env.NODE_USE_ENV_PROXY = "1"
      try {
        await hosting(async (host) => {
          const server = await target.another({})
          await expectAsked(server, host.publishClient("/client.json"))
          await expectRefused(server, "https://127.0.0.1:1/client.json")
        })
      } finally {
        for (const [name, value] of before) {
          if (value === undefined) delete process.env[name]
          else process.env[name] = value
        }
      }
    })
    expect(connections).toBe(0)

    let asked = 0
    const server = await publicServer(target, () => {
      asked++
      return ["127.0.0.1"]
    })
    for (const port of [21, 22, 25, 80, 110, 445, 993, 1023]) {
      await expectRefused(server, `https://app.example:${port}/client.json`)
    }
    expect(asked).toBe(0)
    // A port of another protocol above that gets the greeting of TLS only, and only at a public address.
    await expectRefused(server, "https://app.example:6379/client.json")
    expect(asked).toBe(1)
  }
)

/** A request with another redirect URI than that of the document ends early, and costs no consent page. */
const elsewhere = { redirect_uri: "https://evil.example/" }

check(
  "CIMD-13",
  "one request fetches a document for all who wait, and the number of cached documents is bounded",
  async (target) => {
    await hosting(async (host) => {
      const server = await target.another({})
      const id = host.publish("/client.json", (_, response) => {
        response.writeHead(200, { "content-type": "application/json" })
        setTimeout(() => response.end(JSON.stringify(documentOf(id))), 500)
      })
      const browse = await browserOf(server)
      const answers = await Promise.all(Array.from({ length: 250 }, () => browse(id, elsewhere)))
      for (const answer of answers) expect(textOf(answer)).toContain("not registered")
      expect(host.requests).toHaveLength(1)

      const limited = await target.another({ settings: { rateLimits: { authorize: { quota: 3, window: "1 hour" } } } })
      const visit = await browserOf(limited)
      const statuses = []
      for (let i = 0; i < 5; i++) statuses.push((await visit(host.publishClient(`/limited/${i}`))).status)
      expect(statuses).toEqual([200, 200, 200, 429, 429])
    })

    // A web without a network, so that thousands of documents take seconds.
    const fetched: Array<string> = []
    const server = await target.another({
      seams: Layer.succeed(OutboundClient, {
        get: ({ url }) =>
          Effect.sync(() => {
            fetched.push(url.href)
            const body = new TextEncoder().encode(JSON.stringify(documentOf(url.href)))
            return { headers: { "content-type": "application/json", "cache-control": "max-age=86400" }, body }
          })
      }) as Layer.Layer<never>
    })
    const browse = await browserOf(server)
    const open = (id: string) => browse(id, elsewhere)
    const idOf = (i: number) => `https://app.example/${i}`
    const total = 1_040
    for (let i = 0; i < total; i += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, j) => open(idOf(i + j))))
    }
    expect(fetched).toHaveLength(total)
    await open(idOf(total - 1))
    expect(fetched).toHaveLength(total)
    // The least recently used documents were dropped.
    await open(idOf(0))
    expect(fetched).toHaveLength(total + 1)
  }
)

check(
  "CIMD-19",
  "the page of a private address, of a closed port and of an unknown host is the same",
  async (target) => {
    const pages: Array<readonly [name: string, text: string, millis: number]> = []
    const timed = async (server: Target, name: string, id: string) => {
      const begun = Date.now()
      const answer = await ask(server, id)
      expectPage(answer, 400, name)
      pages.push([name, textOf(answer).replace(/incident \w+/, "incident"), Date.now() - begun])
    }
    const connections = await connectionsTo(async (port) => {
      const server = await publicServer(target, (host) => {
        if (host === "unknown.example") throw new Error("ENOTFOUND")
        return [host.startsWith("loopback") ? "127.0.0.1" : "10.0.0.1"]
      })
      await timed(server, "an open private port", `https://loopback.example:${port}/client.json`)
      await timed(server, "a closed private port", "https://loopback.example:1025/client.json")
      await timed(server, "a private network", "https://private.example/client.json")
      await timed(server, "a private address", "https://10.0.0.1/client.json")
      await timed(server, "an unknown host", "https://unknown.example/client.json")
      await timed(server, "a port that is not allowed", "https://app.example:22/client.json")
    })
    expect(connections).toBe(0)
    await timed(target, "nothing listens", "https://127.0.0.1:1/client.json")
    await hosting((host) => timed(target, "a status", `${host.origin}/client.json`))
    for (const [name, text, millis] of pages) {
      expect(text, name).toBe(pages[0]?.[1])
      expect(millis, name).toBeLessThan(2_000)
    }
  }
)

control("CIMD-08", "against a server that connects to every address", { seams: careless })

control("CIMD-09", "against a server that does not check addresses", { seams: careless })
