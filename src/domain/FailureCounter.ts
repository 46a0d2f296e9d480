/**
 * A counter of failed logins. It forgets failures one by one, at a steady pace: a generic cell rate algorithm (ITU-T
 * I.371), like `RateLimit`, whose refusals are pauses that grow. All times are milliseconds since 1970.
 */

/** How a counter counts. */
export interface Rule {
  /** Failures that begin no pause: a whole number, 1 or more. */
  readonly free: number
  /** The pause that the first failure beyond the free ones begins, in milliseconds. Each further failure doubles it. */
  readonly firstPause: number
  /**
   * Time in which one failure is forgotten, in milliseconds, and the longest pause. So a counter that is kept paused
   * lets one attempt through in this time, and does not grow any more. At least `firstPause`.
   */
  readonly forgetsEvery: number
}

/** A counter as it is stored. */
export interface Counter {
  /** When the last of its failures is forgotten. */
  readonly forgottenAt: number
  /** When its pause ends; in the past, or 0, when there is none. */
  readonly pausedUntil: number
  /** Number of times that it was cleared. */
  readonly generation: number
}

/** A counter that has counted nothing. */
export const none: Counter = { forgottenAt: 0, pausedUntil: 0, generation: 0 }

/** Number of failures that a counter still holds. */
export const failures = ({ forgottenAt }: Counter, { forgetsEvery }: Rule, now: number): number =>
  Math.max(0, Math.ceil((forgottenAt - now) / forgetsEvery))

/** Number of times that the first pause can be doubled before the pause is the longest one. */
export const doublings = ({ firstPause, forgetsEvery }: Rule): number => Math.ceil(Math.log2(forgetsEvery / firstPause))

/** The pause that the `failures`th failure begins, in milliseconds; 0 for a free one. */
export const pauseOf = (rule: Rule, failures: number): number => {
  const beyond = failures - rule.free
  if (beyond <= 0) return 0
  return beyond > doublings(rule) ? rule.forgetsEvery : rule.firstPause * 2 ** (beyond - 1)
}

/** The counter after one more failure. The caller has checked that it is not paused. */
export const count = (counter: Counter, rule: Rule, now: number): Counter => {
  const forgottenAt = Math.max(counter.forgottenAt, now) + rule.forgetsEvery
  const pause = pauseOf(rule, failures({ ...counter, forgottenAt }, rule, now))
  return { ...counter, forgottenAt, pausedUntil: pause === 0 ? 0 : now + pause }
}
