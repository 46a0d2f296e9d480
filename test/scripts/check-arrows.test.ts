import { describe, expect, it } from "vitest"
import { check, main } from "../../scripts/check-arrows.mjs"
import { tree } from "./tree.js"

const violations = (files: Readonly<Record<string, string>>) => check(tree(files)).violations

describe("check-arrows accepts", () => {
  it("imports that point inwards, in every folder and from the entry points", () => {
    const root = tree({
      "src/domain/Scope.ts": `import * as Schema from "effect/Schema"\nexport const a = Schema.String`,
      "src/domain/Grant.ts": `import { a } from "./Scope.js"\nexport const g = a`,
      "src/services/stores/GrantStore.ts": `import type { g } from "../domain/Grant.js"\nexport type G = typeof g`,
      "src/http/oauth/TokenEndpoint.ts": `import type { G } from "../services/GrantStore.js"\nexport type H = G`,
      "src/layers/sql/Store.ts": `export type { G } from "../../services/GrantStore.js"`,
      "src/cli/serve.ts": `import type { G } from "../layers/sql/Store.js"\nexport type S = G`,
      "src/main.ts": `import "./cli/serve.js"`,
      "src/index.ts": `export * from "./domain/Grant.js"`
    })
    expect(main(root)).toEqual({ status: 0, output: expect.stringContaining("8 files") })
  })

  it("the clock, randomness and crypto in the files made for them", () => {
    const use = `import { randomBytes } from "node:crypto"\nexport const a = [randomBytes(1), Date.now(), Math.random()]`
    expect(violations({ "src/services/keys/Crypto.ts": use, "src/services/keys/Xaes256Gcm.ts": use })).toEqual([])
  })

  it("bindings of a file's own that are called like a global", () => {
    const found = violations({
      "src/services/A.ts": `export const f = (crypto: { readonly digest: number }) => crypto.digest`,
      "src/services/B.ts": `import * as Date from "effect/DateTime"\nexport const b = Date.now`,
      "src/services/C.ts": `/** Date.now() and node:crypto are only named here. */\nexport const c = { now: "Date.now" }`
    })
    expect(found).toEqual([])
  })
})

describe("check-arrows refuses", () => {
  const refused: ReadonlyArray<readonly [rule: string, files: Readonly<Record<string, string>>, message: string]> = [
    [
      "an import that points outwards",
      { "src/services/A.ts": `import { b } from "../http/B.js"\nexport const a = b` },
      "src/services/A.ts:1:19 services may not import http (src/http/B.ts)"
    ],
    [
      "an import of what is for tests",
      { "src/layers/A.ts": `import { b } from "../testing/B.js"\nexport const a = b` },
      "src/layers/A.ts:1:19 layers may not import testing (src/testing/B.ts)"
    ],
    [
      "an adapter in what is for tests",
      { "src/testing/A.ts": `import { b } from "../layers/B.js"\nexport const a = b` },
      "src/testing/A.ts:1:19 testing may not import layers (src/layers/B.ts)"
    ],
    [
      "a type-only import that points outwards",
      { "src/domain/A.ts": `import type { B } from "../services/B.js"\nexport type A = B` },
      "src/domain/A.ts:1:24 domain may not import services"
    ],
    [
      "a re-export that points outwards",
      { "src/http/A.ts": `\nexport * from "../layers/B.js"` },
      "src/http/A.ts:2:15 http may not import layers"
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
      "a cycle between files",
      {
        "src/domain/A.ts": `import type { B } from "./B.js"\nexport type A = B`,
        "src/domain/B.ts": `export type { C as B } from "./C.js"`,
        "src/domain/C.ts": `import type { A } from "./A.js"\nexport type C = A`
      },
      "import cycle: src/domain/A.ts -> src/domain/B.ts -> src/domain/C.ts -> src/domain/A.ts"
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
      "nothing may import the entry point src/index.ts"
    ],
    [
      "the package's own name, which would hide an arrow",
      { "src/services/A.ts": `import "latchkey/B"` },
      "may not import the package by its name"
    ],
    ["an import out of src", { "src/layers/A.ts": `import "../../test/B.js"` }, "src may not import test/B.ts"],
    [
      "a folder without a place in the order",
      { "src/utils/A.ts": "export {}" },
      "src/utils/A.ts:1:1 belongs to none of"
    ],
    ["a file beside the folders", { "src/Extra.ts": "export {}" }, "src/Extra.ts:1:1 belongs to none of"],
    ["Date.now", { "src/services/A.ts": "export const a = Date.now()" }, "src/services/A.ts:1:18 Date.now"],
    ["Date.now by another spelling", { "src/services/A.ts": `export const a = globalThis.Date["now"]()` }, "Date.now"],
    ["new Date", { "src/http/A.ts": "export const a = new Date(0)" }, "new Date()"],
    ["Math.random", { "src/layers/A.ts": "export const a = Math.random()" }, "Math.random"],
    ["Math.random taken apart", { "src/layers/A.ts": "export const { random: a } = Math" }, "Math.random"],
    [
      "node:crypto",
      { "src/services/A.ts": `import * as crypto from "node:crypto"\nexport const a = crypto` },
      "node:crypto"
    ],
    ["the global crypto", { "src/cli/A.ts": "export const a = crypto.randomUUID()" }, "crypto.randomUUID"],
    [
      "the global crypto through globalThis",
      { "src/cli/A.ts": "export const a = globalThis.crypto.subtle" },
      "crypto.subtle"
    ]
  ]

  it.each(refused)("%s", (_, files, message) => {
    expect(violations(files)).toEqual(expect.arrayContaining([expect.stringContaining(message)]))
  })

  it("by its exit code, naming each place", () => {
    const root = tree({ "src/domain/A.ts": `import "../http/B.js"\nexport const a = Date.now()` })
    const { status, output } = main(root)
    expect({ status, lines: output.trimEnd().split("\n").length }).toEqual({ status: 1, lines: 2 })
  })

  it("a tree without sources, which would make every check pass", () => {
    expect(main(tree({ "README.md": "" })).status).toBe(2)
  })
})
