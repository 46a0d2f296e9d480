/** The notes of each user, in memory. */
const notes = new Map<string, ReadonlyArray<string>>()

/** Returns the notes of a user, the oldest first. */
export const notesOf = (subject: string): ReadonlyArray<string> => notes.get(subject) ?? []

/** Adds a note, and returns all of them. */
export const write = (subject: string, text: string): ReadonlyArray<string> => {
  notes.set(subject, [...notesOf(subject), text])
  return notesOf(subject)
}
