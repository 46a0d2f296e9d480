import * as fs from "node:fs"
import * as path from "node:path"
import { describe, expect, it } from "vitest"
import { main, render } from "../../scripts/conformance.mjs"
import { tree } from "./tree.js"

const file = "test/conformance/rfc7009.test.ts"

/** The rows that a test file gives, without their links. */
const rows = (text: string, name = file): ReadonlyArray<string> =>
  render(tree({ [name]: text }))
    .split("\n")
    .filter((line) => /^\| (\[§|\[App|§|[A-Z]+-)/.test(line))
    .map((line) => line.replace(/\]\([^)]*\)|\[/g, ""))

describe("conformance", () => {
  it("lists a test by its section, what it shows, and the checks it names", () => {
    expect(rows(`test("§2.1 a token goes [REVOKE-01, REVOKE-02]", rule)`)).toEqual([
      "| §2.1 | a token goes | REVOKE-01, REVOKE-02 |",
      "| REVOKE-01 | RFC 7009 |",
      "| REVOKE-02 | RFC 7009 |"
    ])
  })

  it("orders sections by number, and takes the document from the file's name", () => {
    const text = `test("§4.10 b", rule)\nit.effect("§4.2 a", rule)\ntest("Appendix B c", rule)`
    expect(rows(text, "test/conformance/oauth21.test.ts")).toEqual(["| §4.2 | a |  |", "| §4.10 | b |  |"])
    expect(rows(text)).toEqual(["| §4.2 | a |  |", "| §4.10 | b |  |", "| Appendix B | c |  |"])
  })

  it("lists what is left out, and why", () => {
    const entry = `{ section: "§2.3", requirement: "JSONP", how: "otherwise", why: "CORS | no <script>" }`
    expect(rows(`apart([${entry}])`)).toEqual(["| §2.3 | JSONP | otherwise: CORS \\| no &lt;script> |"])
  })

  it("refuses a test without a section, and a file of no RFC", () => {
    expect(() => rows(`test("a token goes", rule)`)).toThrow(/does not begin with its section/)
    expect(() => rows("", "test/conformance/other.test.ts")).toThrow(/named after no RFC/)
  })

  it("--check fails until the table is written again", () => {
    const root = tree({ [file]: `test("§2.1 a", rule)` })
    expect(main(["--check", root])).toEqual({ status: 1, output: expect.stringContaining("is stale") })
    expect(main([root]).status).toBe(0)
    expect(main(["--check", root]).status).toBe(0)
    fs.writeFileSync(path.join(root, file), `test("§2.1 b", rule)`)
    expect(main(["--check", root]).status).toBe(1)
  })
})
