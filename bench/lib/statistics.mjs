/** Medians, quantiles and shares: the arithmetic of the bench, without input or output. */

/**
 * Returns the middle value, or the mean of the two middle values; NaN for no values.
 *
 * @param {ReadonlyArray<number>} values
 */
export const median = (values) => {
  const sorted = Array.from(values).sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/**
 * Returns the value that the fraction `p` of the sorted values does not exceed; NaN for no values.
 *
 * @param {ArrayLike<number>} sorted
 * @param {number} p
 */
export const quantile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN

/** @typedef {{ readonly median: number, readonly low: number, readonly high: number, readonly rounds: number }} Summary */

/**
 * @param {ReadonlyArray<number>} values
 * @returns {Summary}
 */
export const summary = (values) => ({
  median: median(values),
  low: Math.min(...values),
  high: Math.max(...values),
  rounds: values.length
})

/**
 * One measured round of one item on one server. `perCpuSecond`: operations in a second of the server's processor time.
 * `cpuMicros`: processor time of an operation in microseconds. `perSecond`: operations in a second of wall time. `p50` and
 * `p99`: latencies in milliseconds. `foreign`: the part of the machine that other processes used, from 0 to 1.
 *
 * @typedef {{
 *   readonly operations: number, readonly perCpuSecond: number, readonly cpuMicros: number, readonly perSecond: number,
 *   readonly p50: number, readonly p99: number, readonly foreign: number
 * }} Round
 */

/**
 * One item on one server: its rounds, or the reason why there are none. A cell with an error has no rounds.
 *
 * @typedef {(
 *   | { readonly rounds: ReadonlyArray<Round> }
 *   | { readonly failed: string }
 *   | { readonly leftOut: string }
 * )} Cell
 */

/**
 * Returns the share of the bound: in each round the operations in a second of processor time, divided by those of the bound in
 * the same round. `undefined` if one of the two cells has no rounds.
 *
 * @param {Cell | undefined} cell
 * @param {Cell | undefined} bound
 * @returns {Summary | undefined}
 */
export const share = (cell, bound) => {
  if (cell === undefined || bound === undefined || !("rounds" in cell) || !("rounds" in bound)) return undefined
  const shares = cell.rounds.flatMap((round, i) => {
    const base = bound.rounds[i]
    return base === undefined ? [] : [round.perCpuSecond / base.perCpuSecond]
  })
  return shares.length === 0 ? undefined : summary(shares)
}

/**
 * Returns the list in a random order, so that no server always follows the same other one. `random` returns numbers from 0 to 1.
 *
 * @template A
 * @param {ReadonlyArray<A>} list
 * @param {() => number} [random]
 */
export const shuffled = (list, random = Math.random) =>
  list
    .map((value) => ({ value, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value)
