/** Whether two computations take different times, as dudect asks (Reparaz, Balasch and Verbauwhede, 2017). */

/** A t of Welch's test above this says that the times differ. */
const limit = 4.5

/**
 * Share of the time by which it differs at least. Where two texts lie in memory makes a few hundredths; a comparison that
 * stops at the first difference makes much more.
 */
const leastShare = 0.2

/** Repetitions within one sample: one is shorter than the clock can tell. */
const perSample = 20

const sample = (run: () => unknown): number => {
  const before = process.hrtime.bigint()
  for (let i = 0; i < perSample; i++) run()
  return Number(process.hrtime.bigint() - before)
}

const moments = (times: ReadonlyArray<number>) => {
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length
  const variance = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (times.length - 1)
  return { mean, error: variance / times.length }
}

/** Welch's t, signed, over times without the slowest tenth, which interrupts and garbage collection make. */
const welch = (first: () => unknown, second: () => unknown, samples: number): number => {
  const times: readonly [Array<number>, Array<number>] = [[], []]
  for (let i = 0; i < 2 * samples; i++) {
    const isFirst = Math.random() < 0.5
    times[isFirst ? 0 : 1].push(sample(isFirst ? first : second))
  }
  const cut = times.flat().sort((a, b) => a - b)[Math.floor(1.8 * samples)] ?? Number.POSITIVE_INFINITY
  const [a, b] = times.map((each) => moments(each.filter((time) => time <= cut)))
  if (a === undefined || b === undefined) return 0
  const difference = a.mean - b.mean
  return Math.abs(difference) < leastShare * Math.min(a.mean, b.mean) ? 0 : difference / Math.sqrt(a.error + b.error)
}

/** Number of rounds: a busy machine makes a difference in some of them, a leak makes the same one in all. */
const rounds = 7

/** Whether one takes longer than the other, the same one in every round. `samples` is the number for each in a round. */
export const differs = (first: () => unknown, second: () => unknown, samples = 2_000): boolean => {
  const measured = Array.from({ length: rounds }, () => welch(first, second, samples))
  return measured.every((t) => t > limit) || measured.every((t) => t < -limit)
}
