/** `latchkey initial-access-token`, and the effect of its tokens on a running server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"

let server: Cli.Server
beforeAll(async () => {
  server = await Cli.startServer({ env: { LATCHKEY_REGISTRATION: "token" } })
})
afterAll(() => server?.stop())

const run = (...args: ReadonlyArray<string>) => Commands.run(["initial-access-token", ...args], { server })

const list = async () => JSON.parse((await run("list", "--json")).stdout)

const register = async (token?: string) => {
  const response = await fetch(`${server.url}/register`, {
    method: "POST",
    body: JSON.stringify({ redirect_uris: ["https://client.example/cb"], client_name: "Partner" }),
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
    }
  })
  return response.status
}

describe("initial-access-token", () => {
  it("initial-access-token list is empty at first, and a registration without a token gets 401", async () => {
    expect(await run("list")).toMatchObject({ code: 0, stdout: "" })
    expect(await list()).toEqual([])
    expect(await register()).toBe(401)
  })

  it("a token of create registers as many clients as it may, and list shows its uses without the token", async () => {
    const made = await run("create", "--label", "Partner", "--expires-in", "7 days", "--max-uses", "1", "--json")
    const { id, initial_access_token } = JSON.parse(made.stdout)
    expect(initial_access_token).toMatch(/^lk_ia_[\w-]{43}$/)
    expect(await register(initial_access_token)).toBe(201)
    expect(await register(initial_access_token)).toBe(401)
    const { stdout } = await run("list")
    expect(stdout).toMatch(new RegExp(`${id}  1 of 1 uses  used up  Partner\\n$`))
    expect(stdout).not.toContain("lk_ia_")
    expect(await list()).toMatchObject([{ id, label: "Partner", max_uses: 1, uses: 1 }])
  })

  it("create without options makes a token without an end, which revoke ends", async () => {
    const { stdout } = await run("create")
    expect(stdout).toMatch(/^The initial access token is created\. Clients register with it at http.*\/register\n/)
    const [, id = ""] = / id +(\S+)/.exec(stdout) ?? []
    const [, token = ""] = / token +(lk_ia_\S+) {2}\(shown only once\)/.exec(stdout) ?? []
    expect(stdout).toMatch(/ end +does not expire\n/)
    expect(await register(token)).toBe(201)
    expect(await run("revoke", id)).toMatchObject({ code: 0, stdout: expect.stringContaining(`${id} is revoked`) })
    expect(await register(token)).toBe(401)
    expect(await run("revoke", id)).toMatchObject({ code: 1, stderr: expect.stringContaining(id) })
  })

  it.each([
    [["create", "--max-uses", "0"], /--max-uses/],
    [["create", "--expires-in", "soon"], /--expires-in/],
    [["create", "--label", ""], /--label/]
  ] as const)("initial-access-token %j is refused", async (args, message) => {
    expect(await run(...args)).toMatchObject({ code: 2, stderr: expect.stringMatching(message) })
  })
})
