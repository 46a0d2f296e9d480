import { describe, expect, it } from "vitest"
import { check, main } from "../../scripts/check-arrows.mjs"
import { tree } from "./tree.js"

/** A small house, so that the tests do not change with the rooms of `src`. */
const plan = {
  rooms: [
    { name: "domain" },
    { name: "services/stores" },
    { name: "services/keys" },
    { name: "services" },
    { name: "http/wire" },
    { name: "layers/sql", only: ["domain", "services"] },
    { name: "layers" },
    { name: "cli" },
    { name: "testing", only: ["domain", "services"] }
  ]
}

const violations = (files: Readonly<Record<string, string>>) => check(tree(files), plan).violations

describe("check-arrows", () => {
  it("accepts imports that point inwards, in every folder and from the entry points", () => {
    const root = tree({
      "src/domain/Scope.ts": `import * as Schema from "effect/Schema"\nexport const a = Schema.String`,
      "src/domain/Grant.ts": `import { a } from "./Scope.js"\nexport const g = a`,
      "src/services/stores/GrantStore.ts": `import type { g } from "../../domain/Grant.js"\nexport type G = typeof g`,
      "src/http/wire/TokenEndpoint.ts": `import type { G } from "../../services/stores/GrantStore.js"\nexport type H = G`,
      "src/layers/sql/Store.ts": `export type { G } from "../../services/stores/GrantStore.js"`,
      "src/cli/serve.ts": `import type { G } from "../layers/sql/Store.js"\nexport type S = G`,
      "src/main.ts": `import "./cli/serve.js"`,
      "src/index.ts": `export * from "./domain/Grant.js"`
    })
    expect(main([root], plan)).toEqual({ status: 0, output: expect.stringContaining("8 files") })
  })

  const refused: ReadonlyArray<readonly [rule: string, files: Readonly<Record<string, string>>, message: string]> = [
    [
      "an import that points outwards",
      { "src/services/A.ts": `import { b } from "../http/wire/B.js"\nexport const a = b` },
      "src/services/A.ts:1:19 services may not import http/wire (src/http/wire/B.ts)"
    ],
    [
      "an import that points outwards within a layer",
      { "src/services/stores/A.ts": `import { b } from "../keys/B.js"\nexport const a = b` },
      "services/stores may not import services/keys"
    ],
    [
      "an import of a room that the room may not know",
      { "src/layers/sql/A.ts": `import { b } from "../../http/wire/B.js"\nexport const a = b` },
      "layers/sql may not import http/wire"
    ],
    [
      "an import of the published tests",
      { "src/layers/A.ts": `import { b } from "../testing/B.js"\nexport const a = b` },
      "src/layers/A.ts:1:19 layers may not import testing (src/testing/B.ts)"
    ],
    [
      "a type-only import that points outwards",
      { "src/domain/A.ts": `import type { B } from "../services/B.js"\nexport type A = B` },
      "src/domain/A.ts:1:24 domain may not import services"
    ],
    [
      "a re-export that points outwards",
      { "src/http/wire/A.ts": `\nexport * from "../../layers/B.js"` },
      "src/http/wire/A.ts:2:15 http/wire may not import layers"
    ],
    [
      "a dynamic import that points outwards",
      { "src/layers/A.ts": `export const a = () => import("../cli/B.js")` },
      "layers may not import cli"
    ],
    [
      "an import() in a type that points outwards",
      { "src/domain/A.ts": `export type A = import("../layers/B.js").B` },
      "domain may not import layers"
    ],
    [
      "a package other than effect in domain",
      { "src/domain/A.ts": `import * as Router from "@effect/platform/HttpLayerRouter"\nexport const a = Router` },
      "domain may import nothing but effect"
    ],
    [
      "a package in domain whose name only begins like effect",
      { "src/domain/A.ts": `import "effect-extra/X"` },
      "domain may import nothing but effect"
    ],
    [
      "an import of an entry point",
      { "src/cli/A.ts": `import "../index.js"`, "src/index.ts": "export {}" },
      "no file may import the entry point src/index.ts"
    ],
    [
      "the package's own name, which would hide an arrow",
      { "src/services/A.ts": `import "latchkey/B"` },
      "may not import the package by its name"
    ],
    ["an import out of src", { "src/layers/A.ts": `import "../../test/B.js"` }, "src may not import test/B.ts"],
    ["a folder that is no room", { "src/utils/A.ts": "export {}" }, "src/utils/A.ts:1:1 src/utils is no room"],
    ["a file beside the rooms", { "src/Extra.ts": "export {}" }, "src/Extra.ts:1:1 src/ is no room"]
  ]

  it.each(refused)("refuses %s", (_, files, message) => {
    expect(violations(files)).toEqual(expect.arrayContaining([expect.stringContaining(message)]))
  })

  it("exits 1 with one line for each violation", () => {
    const root = tree({ "src/domain/A.ts": `import "../http/wire/B.js"\nimport "../cli/C.js"` })
    const { status, output } = main([root], plan)
    expect({ status, lines: output.split("\n").length }).toEqual({ status: 1, lines: 2 })
  })

  it("refuses a tree without sources, which would pass every check", () => {
    expect(main([tree({ "README.md": "" })], plan).status).toBe(2)
  })
})
