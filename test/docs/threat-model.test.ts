/** The threat model names tests and checks that exist. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("../../", import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), "utf8")

const model = read("docs/threat-model.md")
const tests = Array.from(model.matchAll(/test\/[\w/-]+\.test\.ts/g), ([path]) => path)
const checks = Array.from(model.matchAll(/\b[A-Z]+-\d\d\b/g), ([id]) => id)
const links = Array.from(model.matchAll(/\]\(([^)#]+)/g), ([, target = ""]) => target)
/** The rows of the tables of threats: a threat, its answer, its tests. */
const threats = (/^## Threats$(.*?)^## /ms.exec(model)?.[1] ?? "")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| Threat |"))

/** Checks that are tested: those of things that do not exist yet answer no threat. */
const tested = new Set(
  Array.from(read("docs/security.md").matchAll(/^\| ([A-Z]+-\d\d) \|.*$/gm))
    .filter(([line]) => !line.includes("not there yet"))
    .map(([, id]) => id)
)

describe("the threat model", () => {
  it("the threat model names only tests that exist", () => {
    expect(tests.length).toBeGreaterThan(10)
    expect(tests.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  it("the threat model names only checks of the catalogue that are tested", () => {
    expect(checks.length).toBeGreaterThan(30)
    expect(checks.filter((id) => !tested.has(id))).toEqual([])
  })

  it("the threat model links only to documents that exist", () => {
    expect(links.filter((target) => !existsSync(join(root, "docs", target)))).toEqual([])
  })

  it("the threat model names a test for every threat", () => {
    expect(threats.length).toBeGreaterThan(20)
    expect(threats.filter((line) => !/[A-Z]+-\d\d|test\/[\w/-]+\.test\.ts/.test(line.split("|")[3] ?? ""))).toEqual([])
  })
})
