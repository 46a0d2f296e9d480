/** `latchkey resource` and `latchkey db status`, and the effect of new resources on a running server. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"
import { done, refused } from "../support/Refused.js"

let server: Cli.Server
beforeAll(async () => {
  server = await Cli.startServer()
})
afterAll(() => server?.stop())

const run = (...args: ReadonlyArray<string>) => Commands.run(args, { server })

const list = async () => JSON.parse((await run("resource", "list", "--json")).stdout)

const offered = async () => {
  const response = await fetch(`${server.url}/.well-known/oauth-authorization-server`)
  return ((await response.json()) as { scopes_supported?: ReadonlyArray<string> }).scopes_supported ?? []
}

/** Waits until the server knows a change. */
const offers = async (scopes: ReadonlyArray<string>) => {
  for (let tries = 0; tries < 200 && (await offered()).join() !== scopes.join(); tries++) await sleep(20)
  expect(await offered()).toEqual(scopes)
}

const notes = "https://notes.example/mcp"

describe("resource", () => {
  it("resource list is empty at first, and the server prints how to create a resource", async () => {
    expect(server.stdout()).toMatch(
      /protects no resource yet[\s\S]*\n {2}node .* resource create URI --scope "[^"\n]+"/
    )
    expect(await run("resource", "list")).toMatchObject({ code: 0, stdout: "" })
    expect(await list()).toEqual([])
  })

  it("resource create creates a resource that a running server knows within moments", async () => {
    const made = await run(
      ...["resource", "create", notes, "--name", "Notes", "--json"],
      ...["--scope", "notes:read=Read your notes", "--scope", "notes:write=Write x = y"]
    )
    expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: "" })
    const resource = {
      uri: notes,
      name: "Notes",
      scopes: { "notes:read": "Read your notes", "notes:write": "Write x = y" }
    }
    expect(JSON.parse(made.stdout)).toEqual(resource)
    expect(await list()).toEqual([resource])
    expect((await run("resource", "list")).stdout).toBe(`${notes}  notes:read notes:write  Notes\n`)
    await offers(["notes:read", "notes:write"])
  })

  it("resource create --introspects prints once a secret with which tokens can be introspected", async () => {
    const { stdout } = await run(
      ...["resource", "create", "https://files.example/", "--scope", "files=See your files", "--introspects", "--json"]
    )
    const made = JSON.parse(stdout)
    expect(made).toMatchObject({ introspection_secret: expect.stringMatching(/^lk_rs_[\w-]{43}$/) })
    const introspect = (secret: string) =>
      fetch(`${server.url}/introspect`, {
        method: "POST",
        body: new URLSearchParams({ token: "lk_at_none" }),
        headers: { authorization: `Basic ${btoa(`${made.introspection_id}:${secret}`)}` }
      })
    expect(await (await introspect(made.introspection_secret)).json()).toEqual({ active: false })
    expect((await introspect("lk_rs_another")).status).toBe(401)
    expect((await run("resource", "list", "--json")).stdout).not.toContain("lk_rs_")
    for (const name of ["latchkey.db", "latchkey.db-wal"]) {
      expect(await readFile(join(server.folder, "data", name), "latin1")).not.toContain(made.introspection_secret)
    }
  })

  it("resource create without --json prints the scopes and the secret", async () => {
    const { stdout } = await run(
      ...["resource", "create", "https://mail.example", "--scope", "mail=Read your mail", "--introspects"]
    )
    expect(stdout).toMatch(/^The resource https:\/\/mail\.example is created at http/)
    expect(stdout).toMatch(/\n {2}mail {2}Read your mail\n/)
    expect(stdout).toMatch(/\/introspect .*\n\n {2}id +\S+\n {2}secret {2}lk_rs_\S+ {2}\(shown only once\)\n$/)
  })

  it("resource create makes a resource that shares scopes with another, where some imply others", async () => {
    const shared = "https://shared.example/api"
    const made = await run(
      ...["resource", "create", shared, "--scope", "notes:read=Read", "--scope", "notes:write=Write"],
      ...["--scope", "notes:admin=Do all", "--implies", "notes:admin=notes:write notes:read"],
      ...["--implies", "notes:write=notes:read"]
    )
    expect(made.stderr).toBe("")
    expect(made.stdout).toContain("Do all (implies notes:write notes:read)")
    expect(await list()).toContainEqual({
      uri: shared,
      scopes: { "notes:read": "Read", "notes:write": "Write", "notes:admin": "Do all" },
      implies: { "notes:admin": ["notes:write", "notes:read"], "notes:write": ["notes:read"] }
    })
    expect((await run("resource", "delete", shared)).code).toBe(0)
  })

  it.each([
    [["https://other.example/#a", "--scope", "a=A"], 2, /URI: .*fragment/],
    [["HTTPS://other.example/", "--scope", "a=A"], 2, /URI: .*https:\/\/other\.example\//],
    [["ftp://other.example/", "--scope", "a=A"], 2, /URI: .*http/],
    [["https://other.example/"], 2, /--scope/],
    [["https://other.example/", "--scope", "a"], 2, /--scope: .*notes:read=/],
    [["https://other.example/", "--scope", "a="], 2, /--scope: /],
    [["https://other.example/", "--scope", "a b=A"], 2, /--scope: /],
    [["https://other.example/", "--scope", "a=A\u001b[31m"], 2, /--scope: /],
    [["https://other.example/", "--scope", "a=A", "--scope", "a=B"], 2, /--scope: "a" is given twice/],
    [["https://other.example/", "--scope", "a=A", "--name", " "], 2, /--name: /],
    [[notes, "--scope", "a=A"], 1, /resource https:\/\/notes\.example\/mcp already/],
    [["https://mail.example/", "--scope", "a=A"], 1, /already/],
    [["https://other.example/", "--scope", "latchkey:admin=Run"], 1, /"latchkey:admin" belongs to .*\/api/],
    [["https://other.example/", "--scope", "a=A", "--implies", "a"], 2, /--implies: .*notes:write=notes:read/],
    [["https://other.example/", "--scope", "abc=A", "--implies", "abc=abd"], 2, /--implies: .*did you mean "abc"/],
    [["https://other.example/", "--scope", "a=A", "--implies", "a=a"], 2, /--implies: .*cycle: "a" implies "a"/]
  ])("resource create refuses %j", async (args, code, line) => {
    const before = await list()
    expect(await run("resource", "create", ...args)).toEqual(refused(code, line))
    expect(await list()).toEqual(before)
  })

  it("a server prints its resources when it starts", async () => {
    const other = await Cli.startServer({
      folder: server.folder,
      env: { LATCHKEY_ISSUER: server.url }
    })
    expect(other.stdout()).toMatch(
      /\nIt protects\n\n(?: {2}\S.*\n)* {2}https:\/\/notes\.example\/mcp {2}\(notes:read notes:write\)\n/
    )
    expect(other.stdout()).not.toContain("protects no resource")
    await other.stop()
  })

  it("resource delete deletes a resource, and a running server knows it within moments", async () => {
    for (const uri of ["https://files.example/", "https://mail.example/", "HTTPS://notes.example/mcp"]) {
      expect(await run("resource", "delete", uri)).toEqual(done(/^The resource .* is deleted/))
    }
    expect(await list()).toEqual([])
    await offers([])
    expect(await run("resource", "delete", notes)).toEqual(refused(1, /no resource https:\/\/notes/))
  })
})

describe("db status", () => {
  it("db status shows the path, the version of the schema, and the number of rows", async () => {
    const { code, stderr, stdout } = await run("db", "status", "--json")
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    const status = JSON.parse(stdout)
    expect(status).toMatchObject({
      path: join(server.folder, "data", "latchkey.db"),
      size: expect.any(Number),
      rows: { accounts: 0, clients: 0, grants: 0, root_keys: expect.any(Number) }
    })
    expect(status.schema_version).toBe(status.supported_version)
    const text = (await run("db", "status")).stdout
    expect(text).toMatch(/^The database \S+ has [0-9]+ bytes\. The version of its schema is [0-9]+: up to date\n\n/)
    expect(text).toMatch(/\n {2}accounts +0\n/)
  })

  it("db status creates no database, and refuses memory: and files that are not databases", async () => {
    expect(await run("db", "status", "--database", "sqlite:elsewhere.db")).toEqual(refused(1, /no such database/))
    expect(await run("db", "status", "--database", "memory:")).toEqual(refused(2, /memory:/))
    expect(await run("db", "status", "--database", "sqlite:data/latchkey.db.key")).toEqual(
      refused(1, /latchkey\.db\.key/)
    )
  })
})
