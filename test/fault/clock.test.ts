/** libfaketime sets the clock of a running server a year forward and back, and an hour back. */
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { done, refused } from "../cli/support/Refused.js"
import * as Tokens from "../cli/support/Tokens.js"
import * as Cli from "../support/Cli.js"
import * as FakeTime from "../support/FakeTime.js"

const hour = 3600
const year = 365 * 24 * hour

interface Held extends Tokens.Allowed {
  readonly access: string
  readonly refreshToken: string
}

describe.runIf(FakeTime.missing === undefined)(FakeTime.named("a clock that is set while a server runs"), () => {
  let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
  let clock: ReturnType<typeof FakeTime.clock>
  let server: Cli.Server

  const start = (port?: number) =>
    Cli.startServer({
      args: ["--demo", ...(port === undefined ? [] : ["--port", String(port)])],
      folder: folder.path,
      env: clock.env
    })

  beforeAll(async () => {
    folder = await Cli.temporaryFolder()
    clock = FakeTime.clock(join(folder.path, "clock"))
    server = await start()
    await Tokens.createAccount(server)
  })
  afterAll(async () => {
    await server?.stop()
    await folder?.remove()
  })

  /** The answer to a refresh or a redemption. Its `expires_in` is always between 1 second and 10 minutes. */
  const sane = (answer: Readonly<Record<string, unknown>>) => {
    if (answer.access_token !== undefined) {
      expect(answer.expires_in).toBeGreaterThan(0)
      expect(answer.expires_in).toBeLessThanOrEqual(600)
    }
    return answer
  }

  const issue = async (): Promise<Held> => {
    const allowed = await Tokens.allow(server, "notes:read")
    const { access_token, refresh_token } = sane(await allowed.redeem())
    return { ...allowed, access: String(access_token), refreshToken: String(refresh_token) }
  }

  const refresh = async ({ clientId, refreshToken }: Held) => {
    const body = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: clientId,
      refresh_token: refreshToken
    })
    const answer = sane((await (await fetch(`${server.url}/token`, { method: "POST", body })).json()) as object as {})
    return "access_token" in answer ? "refreshed" : answer.error
  }

  const isTaken = async ({ access }: Held) => {
    const headers = { authorization: `Bearer ${access}` }
    return (await fetch(`${server.url}/mcp`, { method: "POST", headers })).status !== 401
  }

  const dead = { taken: false, loggedIn: false, refreshed: "invalid_grant" }
  const alive = { taken: true, loggedIn: true, refreshed: "refreshed" }
  const stateOf = async (held: Held) => ({
    taken: await isTaken(held),
    loggedIn: await held.isLoggedIn(),
    refreshed: await refresh(held)
  })

  const run = (...args: ReadonlyArray<string>) => Cli.run(args, { server })

  it("a clock change revives no token, deletes nothing for an hour, and refuses a start before the stored time", async () => {
    const [used, unused] = [await issue(), await issue()]
    const code = await Tokens.allow(server, "notes:read")
    expect(await stateOf(used)).toEqual(alive)

    clock.set(year)
    expect(await stateOf(unused)).toEqual(dead)
    expect(await run("db", "gc")).toMatchObject({ code: 1, stderr: expect.stringMatching(/the clock jumped forward/) })
    const later = await issue()
    expect(await stateOf(later)).toEqual(alive)

    // Right again, then an hour slow: the time of the server does not go back.
    for (const seconds of [0, -hour]) {
      clock.set(seconds)
      expect(await stateOf(unused)).toEqual(dead)
      expect(sane(await code.redeem())).toMatchObject({ error: "invalid_grant" })
      expect(await isTaken(later)).toBe(true)
      expect(await stateOf(await issue())).toEqual(alive)
    }

    expect((await server.stop()).code).toBe(0)
    expect(await run("serve", "--demo")).toEqual(
      refused(1, /the system clock .20\S+ is behind the latest time stored in this database .20\S+ .*db accept-clock/)
    )
    expect(await run("db", "accept-clock")).toEqual(done(/^Accepted the current time 20\S+ for \S+\n$/))
    server = await start(server.port)
    // By that clock the grant had not expired, and maintenance did not delete it.
    expect(await refresh(unused)).toBe("refreshed")
  })
})
