import * as fs from "node:fs"
import * as path from "node:path"
import { describe, expect, it } from "vitest"
import { render } from "../../scripts/rfc-map.mjs"
import { run, tree } from "./run.js"

/** The map's rows for one source file, cut down to section and sources. */
const rows = (text: string): ReadonlyArray<string> =>
  render(tree({ "src/domain/A.ts": text }))
    .split("\n")
    .filter((line) => line.includes("src/"))
    .map((line) => line.replace(/\]\([^)]*\)|\[/g, ""))

describe("rfc-map", () => {
  it("lists a section once, with every line that cites it", () => {
    expect(rows("/** (RFC 6749 §4.1.2) */\nexport const a = 1 // RFC 6749 §4.1.2\n\n// RFC 6749 §4.1.2")).toEqual([
      "| §4.1.2 | src/domain/A.ts:1, 2, 4 |  |"
    ])
  })

  it("reads several sections after one number", () => {
    expect(rows("// RFC 7591 §2 and §3.2.1, RFC 8252 §7.3")).toEqual([
      "| §2 | src/domain/A.ts:1 |  |",
      "| §3.2.1 | src/domain/A.ts:1 |  |",
      "| §7.3 | src/domain/A.ts:1 |  |"
    ])
  })

  it("follows a citation over the line break of a comment", () => {
    expect(rows("/**\n * What a client is (RFC 6749\n * §2.1), as it says.\n */\nexport {}")).toEqual([
      "| §2.1 | src/domain/A.ts:2 |  |"
    ])
  })

  it("knows appendices and OAuth 2.1, and orders sections by number", () => {
    expect(rows("// RFC 7636 Appendix B, RFC 7636 §4.10, RFC 7636 §4.2, OAuth 2.1 §4.1")).toEqual([
      "| §4.1 | src/domain/A.ts:1 |  |",
      "| §4.2 | src/domain/A.ts:1 |  |",
      "| §4.10 | src/domain/A.ts:1 |  |",
      "| Appendix B | src/domain/A.ts:1 |  |"
    ])
  })

  it("takes no citation from the text of a source, nor an RFC without a section", () => {
    expect(rows(`// RFC 6749\nexport const a = "RFC 6749 §3.3"\nexport const b = a.concat("RFC 6749 §3.3")`)).toEqual(
      []
    )
  })

  it("puts the titles and comments of a test beside the sources", () => {
    const map = render(
      tree({
        "src/domain/A.ts": "/** RFC 7009 §2.1 */",
        "test/domain/A.test.ts": `it.effect("revokes (RFC 7009 §2.1)", () => {\n  // RFC 7009 §2.2\n  return f(1, "RFC 7009 §2.3")\n})`
      })
    )
    expect(map).toContain("| src/domain/A.ts:1 | test/domain/A.test.ts:1 |")
    expect(map).toContain("|  | test/domain/A.test.ts:2 |")
    expect(map).not.toContain("§2.3")
  })

  it("--check fails until the map is written again", () => {
    const root = tree({ "src/domain/A.ts": "// RFC 6749 §4.1" })
    expect(run("rfc-map.mjs", "--check", root)).toEqual({ status: 1, output: expect.stringContaining("is stale") })
    expect(run("rfc-map.mjs", root).status).toBe(0)
    expect(run("rfc-map.mjs", "--check", root).status).toBe(0)
    fs.writeFileSync(path.join(root, "src/domain/A.ts"), "\n// RFC 6749 §4.1")
    expect(run("rfc-map.mjs", "--check", root).status).toBe(1)
  })
})
