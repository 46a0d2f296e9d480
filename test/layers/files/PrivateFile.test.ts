import * as Fs from "node:fs"
import * as Path from "node:path"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import * as PrivateFile from "../../../src/layers/files/PrivateFile.js"
import { modeOf } from "../sqliteFiles.js"
import { temporaryFile } from "../temporaryFile.js"

const contents = Array.from({ length: 16 }, (_, i) => `${i}`.repeat(100))

/** All callers at the same time, each with its own content. */
const everybody = <A, E>(write: (content: Uint8Array) => Effect.Effect<A, E>) =>
  Effect.forEach(contents, (content) => write(new TextEncoder().encode(content)), { concurrency: "unbounded" })

describe("many callers at the same time", () => {
  it.scopedLive("exactly one of many callers creates the file, and no draft stays", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const made = yield* everybody((content) => PrivateFile.create(path, content))
      expect(made.filter(Boolean)).toHaveLength(1)
      expect(Fs.readFileSync(path, "utf8")).toBe(contents[made.indexOf(true)])
      expect([Fs.readdirSync(Path.dirname(path)), modeOf(path)]).toEqual([[Path.basename(path)], "600"])
    })
  )

  it.scopedLive("many callers replace the file, and it has the whole content of one of them", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      Fs.writeFileSync(path, "before", { mode: 0o644 })
      yield* everybody((content) => PrivateFile.replace(path, content))
      expect(contents).toContain(Fs.readFileSync(path, "utf8"))
      expect([Fs.readdirSync(Path.dirname(path)), modeOf(path)]).toEqual([[Path.basename(path)], "600"])
    })
  )
})

it.scopedLive("the error of a path that cannot be replaced names the path", () =>
  Effect.gen(function* () {
    const path = yield* temporaryFile
    Fs.mkdirSync(path)
    const error = yield* Effect.flip(PrivateFile.replace(path, new Uint8Array()))
    expect(error).toMatchObject({
      _tag: "StorageOpenError",
      reason: "NotWritable",
      message: expect.stringContaining(path)
    })
  })
)
