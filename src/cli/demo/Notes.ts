/** The demo's notes: each person's own, in the memory of the process, and no more of them than it can bear. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Subject } from "../../domain/Account.js"

/** How many notes one person has at most; the oldest give way. */
const perPerson = 100

/** How many people have notes at most; whoever wrote the longest ago gives way. */
const people = 1000

export class Notes extends Context.Tag("latchkey/demo/Notes")<
  Notes,
  {
    /** A person's notes, the oldest first. */
    readonly list: (subject: Subject) => Effect.Effect<ReadonlyArray<string>>
    /** Keeps a note, and answers how many there are now. */
    readonly add: (subject: Subject, note: string) => Effect.Effect<number>
  }
>() {}

export const layer = Layer.sync(Notes, () => {
  const all = new Map<Subject, ReadonlyArray<string>>()
  return Notes.of({
    list: (subject) => Effect.sync(() => all.get(subject) ?? []),
    add: (subject, note) =>
      Effect.sync(() => {
        const notes = [...(all.get(subject) ?? []), note].slice(-perPerson)
        all.delete(subject)
        all.set(subject, notes)
        for (const oldest of all.keys()) {
          if (all.size <= people) break
          all.delete(oldest)
        }
        return notes.length
      })
  })
})
