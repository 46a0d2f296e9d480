/**
 * Objects with names, each put once: as an object store does with `If-None-Match: *`, and a file system with an exclusive link.
 * The storage of this example needs nothing else from a database.
 */
import { randomUUID } from "node:crypto"
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Context, Data, Effect, Layer, Option } from "effect"

/** The objects are unreachable, or the answer was lost. A put may have succeeded. */
export class Unreachable extends Data.TaggedError("Unreachable")<{ readonly cause: unknown }> {}

export class Objects extends Context.Tag("Objects")<
  Objects,
  {
    /** Store a text if there is none with this name. One of any number of callers, ever, sees `true`. */
    readonly putIfAbsent: (name: string, text: string) => Effect.Effect<boolean, Unreachable>
    /** Return the text with this name, as a whole. */
    readonly get: (name: string) => Effect.Effect<Option.Option<string>, Unreachable>
  }
>() {}

/** Objects in memory, for tests. Other callers may run in between, as over a network. */
export const makeMemory = Effect.sync(() => {
  const objects = new Map<string, string>()
  const meanwhile = Effect.yieldNow()
  return Objects.of({
    putIfAbsent: (name, text) =>
      Effect.map(meanwhile, () => {
        if (objects.has(name)) return false
        objects.set(name, text)
        return true
      }),
    get: (name) => Effect.map(meanwhile, () => Option.fromNullable(objects.get(name)))
  })
})

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? error.code : undefined)

const attempt = <A>(operation: () => Promise<A>) =>
  Effect.tryPromise({ try: operation, catch: (cause) => new Unreachable({ cause }) })

/** Objects in a folder. A put is flushed to the disk before it is answered. */
export const layerFolder = (folder: string): Layer.Layer<Objects, Unreachable> =>
  Layer.effect(
    Objects,
    Effect.as(
      attempt(() => mkdir(folder, { recursive: true, mode: 0o700 })),
      Objects.of({
        putIfAbsent: (name, text) =>
          attempt(async () => {
            // Under another name first, so that no reader sees a part of it.
            const draft = join(folder, `.${randomUUID()}`)
            await writeFile(draft, text, { mode: 0o600, flush: true })
            try {
              await link(draft, join(folder, name))
              return true
            } catch (error) {
              if (codeOf(error) === "EEXIST") return false
              throw error
            } finally {
              await rm(draft)
            }
          }),
        get: (name) =>
          attempt(async () => {
            try {
              return Option.some(await readFile(join(folder, name), "utf8"))
            } catch (error) {
              if (codeOf(error) === "ENOENT") return Option.none()
              throw error
            }
          })
      })
    )
  )
