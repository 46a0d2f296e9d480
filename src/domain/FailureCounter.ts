/**
 * A counter of failed logins. It forgets failures one by one, at a steady pace: a generic cell rate algorithm (ITU-T
 * I.371), as in `RateLimit`, but a refusal begins a pause, and pauses grow. All times are milliseconds since 1970.
 */

/** The rule of a counter. */
export interface Rule {
  /** Number of failures that begin no pause: a whole number, 1 or more. */
  readonly free: number
  /** The pause that the first failure beyond the free ones begins, in milliseconds. Each further failure doubles it. */
  readonly firstPause: number
  /**
   * Time in which one failure is forgotten, in milliseconds; also the longest pause. So a counter that is always paused
   * allows one attempt in this time, and its pauses do not grow further. At least `firstPause`.
   */
  readonly forgetsEvery: number
}

/** A stored counter. */
export interface Counter {
  /** Time at which the last of its failures is forgotten. */
  readonly forgottenAt: number
  /** Time at which its pause ends; 0 or in the past if there is no pause. */
  readonly pausedUntil: number
  /** Number of times that the counter was cleared. */
  readonly generation: number
}

/** A counter without failures. */
export const none: Counter = { forgottenAt: 0, pausedUntil: 0, generation: 0 }

/** Returns the number of failures that a counter still holds. */
export const failures = ({ forgottenAt }: Counter, { forgetsEvery }: Rule, now: number): number =>
  Math.max(0, Math.ceil((forgottenAt - now) / forgetsEvery))

/** Returns how often the first pause can be doubled until it is the longest pause. */
export const doublings = ({ firstPause, forgetsEvery }: Rule): number => Math.ceil(Math.log2(forgetsEvery / firstPause))

/** Returns the pause that the `failures`th failure begins, in milliseconds; 0 for a free one. */
export const pauseOf = (rule: Rule, failures: number): number => {
  const beyond = failures - rule.free
  if (beyond <= 0) return 0
  return beyond > doublings(rule) ? rule.forgetsEvery : rule.firstPause * 2 ** (beyond - 1)
}

/** Returns the counter after one more failure. The caller has checked that it is not paused. */
export const count = (counter: Counter, rule: Rule, now: number): Counter => {
  const forgottenAt = Math.max(counter.forgottenAt, now) + rule.forgetsEvery
  const pause = pauseOf(rule, failures({ ...counter, forgottenAt }, rule, now))
  return { ...counter, forgottenAt, pausedUntil: pause === 0 ? 0 : now + pause }
}
