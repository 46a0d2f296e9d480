import { describe, expect, it } from "vitest"
import { check, main } from "../../scripts/words.mjs"
import { tree } from "./tree.js"

/** The places and phrases that are found in a tree. */
const found = (files: Readonly<Record<string, string>>) => check(tree(files)).map((line) => line.replace(/": .*$/, `"`))

describe("the check for plain English", () => {
  it("the check finds a forbidden beginning in a comment, a text, a document and a title", () => {
    expect(
      found({
        "src/domain/A.ts": `/**\n * Fine.\n *\n * What is bad.\n */\nexport const a = "Whoever reads it"`,
        "test/domain/A.test.ts": `it("§4.1 nobody gets a token", () => {})`,
        "README.md": "# Title\n\nFine. Of these one is bad.\n"
      })
    ).toEqual([
      `src/domain/A.ts:4 "What"`,
      `src/domain/A.ts:6 "Whoever"`,
      `src/domain/A.ts:6 "Whoever"`,
      `test/domain/A.test.ts:1 "nobody"`,
      `README.md:3 "Of"`
    ])
  })

  it("the check accepts these words inside a sentence, in code and in identifiers", () => {
    const files = {
      "src/domain/A.ts": "/** It says\n * What it says, of course. */\nexport const nobody = `x`",
      "README.md": "A line\nWhat goes on in the next.\n\n```sh\nnobody\n```\n\nThe user `nobody`.\n"
    }
    expect(found(files)).toEqual([])
    expect(main([tree(files)]).status).toBe(0)
  })
})
