/** The page on MCP names tests that exist, and the versions of clients that are installed. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import manifest from "../../package.json" with { type: "json" }
import clients from "../e2e/packages/package.json" with { type: "json" }

const root = fileURLToPath(new URL("../../", import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), "utf8")

const page = read("docs/mcp.md")

/** The rows of the tables of a section. Without its two first lines, a table has only rows. */
const rowsOf = (heading: string): ReadonlyArray<ReadonlyArray<string>> =>
  (new RegExp(`^## ${heading}$(.*?)^## `, "ms").exec(page)?.[1] ?? "")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| (?:---|Duty|Client) /.test(line))
    .map((line) => line.slice(2, -2).split(" | "))

/** The tests that a cell names: files, each with titles in quotation marks. */
const testsOf = (cell: string): ReadonlyArray<readonly [string, string]> =>
  Array.from(cell.matchAll(/`((?:test|examples)\/[\w/-]+\.test\.ts)`((?: "[^"]+")+)/g)).flatMap(
    ([, file = "", titles = ""]) =>
      Array.from(titles.matchAll(/"([^"]+)"/g), ([, title = ""]) => [file, title] as const)
  )

describe("the page on MCP", () => {
  const duties = rowsOf("The duties of the server")

  it("the page on MCP names a test for every duty", () => {
    expect(duties.length).toBeGreaterThan(30)
    expect(duties.filter((cells) => cells.length !== 4 || testsOf(cells[3] ?? "").length === 0)).toEqual([])
  })

  it.each(duties.flatMap((cells) => testsOf(cells[3] ?? "")))(
    "the page on MCP names an existing test: %s %s",
    (...test) => {
      const [file, title] = test
      expect(existsSync(join(root, file))).toBe(true)
      expect(read(file)).toContain(title)
    }
  )

  it("the page on MCP names the installed version of each driven client", () => {
    const installed: Readonly<Record<string, string>> = { ...manifest.devDependencies, ...clients.dependencies }
    const versions = rowsOf("Clients that were driven").flatMap(([name = "", version = ""]) => {
      const client = /^`([^`]+)`$/.exec(name)?.[1]
      return client === undefined || installed[client] === undefined ? [] : [[client, version, installed[client]]]
    })
    expect(versions.length).toBeGreaterThan(4)
    expect(versions.filter(([, named, version]) => named !== version)).toEqual([])
  })

  it("the page on MCP names only files that exist", () => {
    const files = Array.from(page.matchAll(/`(test\/[\w/-]+\.test\.ts)`/g), ([, file = ""]) => file)
    const links = Array.from(page.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g), ([, target = ""]) => `docs/${target}`)
    expect(links.length).toBeGreaterThan(2)
    expect([...files, ...links].filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})
