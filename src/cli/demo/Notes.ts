/** The notes of each user of the demo, in the memory of the process. Their number is limited. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Subject } from "../../domain/Account.js"

/** Maximum number of notes of a user. The oldest are deleted. */
const maxNotes = 100

/** Maximum number of users with notes. The user who wrote least recently loses them. */
const maxUsers = 1000

export class Notes extends Context.Tag("latchkey/demo/Notes")<
  Notes,
  {
    /** Returns the notes of a user, oldest first. */
    readonly list: (subject: Subject) => Effect.Effect<ReadonlyArray<string>>
    /** Stores a note. Returns the number of notes of the user. */
    readonly add: (subject: Subject, note: string) => Effect.Effect<number>
  }
>() {}

export const layer = Layer.sync(Notes, () => {
  const all = new Map<Subject, ReadonlyArray<string>>()
  return Notes.of({
    list: (subject) => Effect.sync(() => all.get(subject) ?? []),
    add: (subject, note) =>
      Effect.sync(() => {
        const notes = [...(all.get(subject) ?? []), note].slice(-maxNotes)
        all.delete(subject)
        all.set(subject, notes)
        for (const oldest of all.keys()) {
          if (all.size <= maxUsers) break
          all.delete(oldest)
        }
        return notes.length
      })
  })
})
