/**
 * Where objects lie under names, and a name is given once: what an object store does with `If-None-Match: *`, and a file
 * system with an exclusive link. It is all that the store of this example asks of a database.
 */
import { randomUUID } from "node:crypto"
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Context, Data, Effect, Layer, Option } from "effect"

/** The objects cannot be reached, or the answer was lost: what was to be put may be there. */
export class Unreachable extends Data.TaggedError("Unreachable")<{ readonly cause: unknown }> {}

export class Objects extends Context.Tag("Objects")<
  Objects,
  {
    /** Keeps a text, unless there is one of that name. Of any number of callers, ever, one sees `true`. */
    readonly putIfAbsent: (name: string, text: string) => Effect.Effect<boolean, Unreachable>
    /** The text of a name, whole. */
    readonly get: (name: string) => Effect.Effect<Option.Option<string>, Unreachable>
  }
>() {}

/** In memory, for tests. Others come in between, as they do over a network. */
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

/** In a folder: what was put is on the disk when it is answered. */
export const layerFolder = (folder: string): Layer.Layer<Objects, Unreachable> =>
  Layer.effect(
    Objects,
    Effect.as(
      attempt(() => mkdir(folder, { recursive: true, mode: 0o700 })),
      Objects.of({
        putIfAbsent: (name, text) =>
          attempt(async () => {
            // Another name first, so that nobody reads a part of it.
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
