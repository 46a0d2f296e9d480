import * as fs from "node:fs"
import * as path from "node:path"
import { describe, expect, it } from "vitest"
import { counts, main, render } from "../../scripts/security.mjs"
import { tree } from "./tree.js"

const catalogue = JSON.stringify([
  { id: "META-01", level: "MUST", title: "Required members" },
  { id: "META-02", level: "SHOULD", title: "Caching" },
  { id: "PAR-01", level: "MUST", title: "Pushed requests" }
])

const file = "test/security/meta.test.ts"

const checks = `
check("META-01", "the members are there", rule)
otherwise("META-02", "ADR 7", "nothing | is cached", rule)
absent("PAR", "no endpoint answers", rule)
`
const complete = `${checks}control("META-01", "against a <weak> server", options)`

/** A tree whose tests are this text. */
const treeOf = (text: string) => tree({ "test/security/catalogue.json": catalogue, [file]: text })

const rows = (text: string): ReadonlyArray<string> =>
  render(treeOf(text))
    .split("\n")
    .filter((line) => /^(\| [A-Z]+-|- )/.test(line))
    .map((line) => line.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1"))

describe("security", () => {
  it("lists each check by its answer, and the controls of its family", () => {
    expect(rows(complete)).toEqual([
      "| META-01 | MUST | the members are there | as expected | meta.test.ts |",
      "| META-02 | SHOULD | nothing \\| is cached | decided otherwise: ADR 7 | meta.test.ts |",
      "- META-01 fails against a &lt;weak> server",
      "| PAR-01 | MUST | Pushed requests | not there yet | meta.test.ts |"
    ])
  })

  it("counts the answers", () => {
    expect(counts(treeOf(complete))).toBe(
      "3 checks: 1 hold as expected, 1 are decided otherwise, 1 are about things that do not exist yet; 1 controls fail as they must."
    )
  })

  it("reads a decision from a constant of the file", () => {
    const text = complete.replace('"ADR 7"', "decision")
    expect(rows(`const decision = "ADR 9"\n${text}`)[1]).toContain("decided otherwise: ADR 9")
    expect(() => rows(text)).toThrow(/are not texts of this file/)
  })

  it("lists a check of its own that is absent, and why", () => {
    const text = complete.replace('otherwise("META-02", "ADR 7", ', 'absent("META-02", ')
    expect(rows(text)[1]).toContain("| Caching | not there yet: nothing \\| is cached |")
  })

  it("refuses a check that is missing, unknown or tested twice, and a family without a control", () => {
    expect(() => rows(complete.replace("META-02", "META-01"))).toThrow(/META-01 has 2 tests/)
    expect(() => rows(complete.replace("META-02", "META-03"))).toThrow(/no check META-03/)
    expect(() => rows(complete.replace(/^otherwise.*$/m, ""))).toThrow(/META-02 has no test/)
    expect(() => rows(checks)).toThrow(/family META has no control/)
  })

  it("--check prints the counts, and fails until the document is written again", () => {
    const root = treeOf(complete)
    expect(main(["--check", root])).toEqual({ status: 1, output: expect.stringContaining("is stale") })
    expect(main([root]).status).toBe(0)
    expect(main(["--check", root])).toEqual({ status: 0, output: expect.stringContaining("3 checks: 1") })
    fs.writeFileSync(path.join(root, file), complete.replace("are there", "are here"))
    expect(main(["--check", root]).status).toBe(1)
  })
})
