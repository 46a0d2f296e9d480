/** The promises of the objects that the journal needs, in memory and in a folder. */
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect, Layer, Option } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { layerFolder, makeMemory, Objects } from "./Objects.js"

let path: string
beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), "journal-"))
})
afterAll(() => rm(path, { recursive: true }))

const folder = Effect.scoped(
  Effect.map(
    Effect.suspend(() => Layer.build(layerFolder(path))),
    Context.get(Objects)
  )
)

describe.each([
  ["in memory", makeMemory],
  ["in a folder", folder]
] as const)("objects %s", (_, make) => {
  it("one of many callers puts an object, as a whole", async () => {
    const objects = await Effect.runPromise(make)
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(10_000))
    const put = Effect.forEach(texts, (text) => objects.putIfAbsent("0", text), { concurrency: "unbounded" })
    const answers = await Effect.runPromise(put)
    expect(answers.filter((isFirst) => isFirst)).toHaveLength(1)
    expect(await Effect.runPromise(objects.get("0"))).toEqual(Option.some(texts[answers.indexOf(true)]))
    expect(await Effect.runPromise(objects.get("1"))).toEqual(Option.none())
  })
})

it("a folder has only the objects that were put", async () => {
  expect(await readdir(path)).toEqual(["0"])
})
