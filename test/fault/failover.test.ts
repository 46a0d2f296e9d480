/**
 * A failover that lost writes: the database is of an earlier time, and clients have newer tokens. The test restores a copy of a
 * file; a standby that had not received all writes looks the same to the servers.
 */
import { copyFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Races from "./scenarios/Races.js"
import { Clients } from "./support/Clients.js"
import * as Cluster from "./support/Cluster.js"
import { History } from "./support/History.js"

const refused = { type: "fail", error: "invalid_grant" }
const inactive = { type: "fail", error: "inactive" }

const grantOf = ({ refresh }: { readonly refresh: string }) => refresh.slice("lk_rt_".length).split(".")[0]

describe("a database that has lost its last writes", () => {
  let cluster: Cluster.Cluster
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 1 })
  })
  afterAll(() => cluster?.stop())

  it("tokens that are newer than the database are refused with alarms, and other clients continue", async () => {
    const clients = new Clients({ ...cluster, history: new History() })
    const person = await clients.logIn()
    const client = await Races.allowedClient(clients, person)
    const [untouched, refreshed] = await Races.times(2, () => Races.grant(clients, client, person))
    const before = Races.must(refreshed)
    const copy = join(cluster.folder, "copy.db")
    await cluster.command(["db", "backup", copy])

    const [after] = Races.tokensOf(await clients.refresh(client, before.refresh))
    const newer = Races.must(after)
    const added = await Races.grant(clients, client, person)
    await cluster.kill(0)
    for (const end of ["-wal", "-shm"]) rmSync(`${cluster.database}${end}`, { force: true })
    copyFileSync(copy, cluster.database)
    await cluster.restart(0)

    // The row is older than the token, and other writes may be lost too, so the whole grant is revoked.
    expect(await clients.use(client, newer.access)).toMatchObject({ type: "ok" })
    expect(await clients.refresh(client, newer.refresh)).toMatchObject(refused)
    expect(await clients.refresh(client, before.refresh)).toMatchObject(refused)
    for (const { access } of [before, newer]) expect(await clients.use(client, access)).toMatchObject(inactive)
    // The row is missing.
    expect(await clients.use(client, added.access)).toMatchObject(inactive)
    expect(await clients.refresh(client, added.refresh)).toMatchObject(refused)
    // The user authorizes again. Clients without lost writes notice nothing.
    const anew = await Races.grant(clients, client, person)
    for (const { access, refresh } of [Races.must(untouched), anew]) {
      expect(await clients.use(client, access)).toMatchObject({ type: "ok" })
      expect(await clients.refresh(client, refresh)).toMatchObject({ type: "ok" })
    }

    // Events are stored at the end of the process at the latest.
    const { stderr } = await cluster.server(0).stop()
    const errors = stderr
      .split("\n")
      .filter((line) => line.includes('"ERROR"'))
      .map((line) => (JSON.parse(line) as { readonly annotations: object }).annotations)
    expect(errors).toEqual([
      expect.objectContaining({ event: "Revoked", reason: "LostWrites", grantId: grantOf(before) }),
      expect.objectContaining({ event: "GrantMissing", grantId: grantOf(added) })
    ])
    const told = await cluster.command(["events"])
    const alarms = told.split("\n").flatMap((line) => /\S+ \S+ {2}(.*lost writes.*)/.exec(line)?.[1] ?? [])
    expect(alarms.sort()).toEqual([
      expect.stringMatching(
        new RegExp(`revoked: its refresh token is newer than the database.* grant=${grantOf(before)}`)
      ),
      expect.stringMatching(new RegExp(`the grant of an access token is not in the database.* grant=${grantOf(added)}`))
    ])
  })
})
