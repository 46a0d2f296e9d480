/** Logs and events hold addresses of clients only if the settings say so. An untrusted proxy is reported once. */
import { describe, expect } from "@effect/vitest"
import * as Logger from "effect/Logger"
import type { LogAddresses } from "../../../src/domain/Settings.js"
import { kept } from "../support/EventRows.js"
import { type TestServer, test } from "../support/Server.js"

const keeping = () => {
  const lines: Array<string> = []
  return { lines, logger: Logger.map(Logger.jsonLogger, (line) => void lines.push(line)) }
}

const addressesOf = async (server: TestServer) =>
  (await kept(server)).flatMap(({ address, kind }) => (kind._tag === "Redeemed" ? [address] : []))

describe("the address of a client", () => {
  const cases: ReadonlyArray<readonly [LogAddresses | undefined, string, string | undefined]> = [
    [undefined, "203.0.113.77", undefined],
    ["Off", "203.0.113.77", undefined],
    ["Full", "203.0.113.77", "203.0.113.77"],
    ["Full", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"],
    ["Full", "::ffff:203.0.113.77", "203.0.113.77"],
    ["Network", "203.0.113.77", "203.0.113.0/24"],
    ["Network", "2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"]
  ]
  for (const [logAddresses, peer, shown] of cases) {
    const { lines, logger } = keeping()
    test(
      `the address ${peer} is logged as ${shown ?? "nothing"} with logAddresses ${logAddresses ?? "not given"}`,
      async (server) => {
        const client = await server.register()
        const code = await server.code(client)
        lines.length = 0
        await server.from(peer).redeem(client, code)
        expect(await addressesOf(server)).toEqual([shown])
        expect(lines.length).toBeGreaterThan(0)
        for (const line of lines) {
          const { annotations } = JSON.parse(line) as { readonly annotations: Readonly<Record<string, unknown>> }
          expect(annotations.address, line).toBe(shown)
          if (shown !== peer) expect(line).not.toContain(peer)
        }
      },
      { logger, settings: logAddresses === undefined ? {} : { logAddresses } }
    )
  }

  test(
    "the logged address is the one that a trusted proxy forwards",
    async (server) => {
      const client = await server.register()
      const code = await server.code(client)
      const behind = server.from("10.0.0.7")
      const parameters = { grant_type: "authorization_code", code: code.code, code_verifier: code.verifier }
      await behind.post(
        "/token",
        { ...parameters, client_id: client.client_id, redirect_uri: "https://client.example/callback" },
        { "x-forwarded-for": "198.51.100.4" }
      )
      expect(await addressesOf(server)).toEqual(["198.51.100.4"])
    },
    { settings: { logAddresses: "Full", trustedProxies: ["10.0.0.0/8"] } }
  )
})

describe("a proxy that is not trusted", () => {
  const warnings = (lines: ReadonlyArray<string>) => lines.filter((line) => line.includes("trustedProxies"))

  for (const headers of [{ "x-forwarded-for": "192.0.2.1" }, { forwarded: "for=192.0.2.1" }] as ReadonlyArray<
    Record<string, string>
  >) {
    const { lines, logger } = keeping()
    test(
      `an untrusted proxy is reported once with the setting that trusts it: ${Object.keys(headers)[0]}`,
      async (server) => {
        const proxy = server.from("172.17.0.1")
        for (let i = 0; i < 3; i++) await proxy.post("/token", {}, headers)
        expect(warnings(lines)).toHaveLength(1)
        expect(JSON.parse(warnings(lines)[0] ?? "{}")).toMatchObject({
          logLevel: "WARN",
          annotations: { peer: "172.17.0.1" }
        })
        expect(warnings(lines)[0]).toContain("LATCHKEY_TRUSTED_PROXIES")
        expect(warnings(lines)[0]).not.toContain("192.0.2.1")
      },
      { logger }
    )
  }

  const quiet = keeping()
  test(
    "no proxy is reported if it is trusted or if nothing is forwarded",
    async (server) => {
      await server.from("10.0.0.1").post("/token", {}, { "x-forwarded-for": "192.0.2.1" })
      await server.from("192.0.2.9").post("/token", {})
      await server.post("/token", {}, { "x-forwarded-for": "192.0.2.1" })
      expect(warnings(quiet.lines)).toEqual([])
    },
    { logger: quiet.logger, settings: { trustedProxies: ["10.0.0.0/8"] } }
  )
})
