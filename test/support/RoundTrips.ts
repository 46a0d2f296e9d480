/** Counts the round trips to PostgreSQL: how often a program sends something and then waits for the answer of the server. */
import Pg from "pg"

// What the driver makes of each call does not matter here.
// @effect-diagnostics anyUnknownInErrorContext:off

export interface Counts {
  /** Times that a connection without a statement in progress sent one. Statements sent meanwhile belong to the same trip. */
  readonly roundTrips: number
  /** Statements, with those that begin and end a transaction. */
  readonly statements: number
}

type Query = (...parameters: Array<unknown>) => unknown

/** Counts the statements of all connections of this process while `use` runs. */
export const during = async (use: () => Promise<unknown>): Promise<Counts> => {
  const prototype = Pg.Client.prototype as unknown as { query: Query }
  const original = prototype.query
  const inProgress = new Map<unknown, number>()
  let [roundTrips, statements] = [0, 0]
  prototype.query = function (this: unknown, ...parameters) {
    const before = inProgress.get(this) ?? 0
    statements++
    if (before === 0) roundTrips++
    inProgress.set(this, before + 1)
    const end = () => inProgress.set(this, (inProgress.get(this) ?? 1) - 1)
    const callback = parameters.at(-1)
    if (typeof callback === "function") {
      return original.call(this, ...parameters.slice(0, -1), (...answer: Array<unknown>) => {
        end()
        callback(...answer)
      })
    }
    return (original.call(this, ...parameters) as Promise<unknown>).finally(end)
  }
  try {
    await use()
    return { roundTrips, statements }
  } finally {
    prototype.query = original
  }
}
