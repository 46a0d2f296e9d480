/**
 * Two kinds of load. The closed loop keeps each connection busy, and measures the processor time of an operation. The open loop
 * sends at a fixed rate, whether the server keeps up or not, and measures latencies.
 */
import { Connection } from "./http.mjs"
import * as Machine from "./machine.mjs"
import { quantile } from "./statistics.mjs"

/** Number of errors after which a run stops. */
const maxErrors = 20

/** Minimum number of operations of a round of a closed loop. */
const minOperations = 50

/** A run whose server uses little processor time ends after this multiple of its duration in wall time. */
const wallFactor = 5

/**
 * One connection, and the state of the user or client behind it: cookies, the current refresh token, a place in a list.
 *
 * @typedef {{
 *   readonly index: number, readonly connection: Connection, cookies: import("./http.mjs").Cookies,
 *   refreshToken: string, place: number
 * }} Worker
 */

/** One checked operation. It throws if the response is wrong, and resolves with false if there is nothing left to do. @typedef {(worker: Worker) => Promise<unknown>} Operation */

/**
 * @param {ReadonlyArray<Worker>} workers
 * @param {() => Promise<void>} run
 */
export const connected = async (workers, run) => {
  try {
    await Promise.all(workers.map(({ connection }) => connection.open()))
    await run()
  } finally {
    for (const { connection } of workers) connection.close()
  }
}

/** The message of an error, in one line. @param {unknown} error */
export const messageOf = (error) =>
  (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ").slice(0, 300)

/**
 * Runs an operation on all workers until the server has used `cpuMillis` of processor time. Throws if an operation failed.
 *
 * @param {import("./process.mjs").Server} server
 * @param {ReadonlyArray<Worker>} workers
 * @param {Operation} operation
 * @param {{ readonly cpuMillis: number, readonly maxOperations?: number }} limits
 * @returns {Promise<import("./statistics.mjs").Round>}
 */
export const closedLoop = async (
  server,
  workers,
  operation,
  { cpuMillis, maxOperations = Number.POSITIVE_INFINITY }
) => {
  const pids = server.pids()
  /** @type {Array<unknown>} */
  const errors = []
  /** @type {Array<number>} */
  const latencies = []
  let isOver = false
  let started = 0
  const begun = {
    wall: performance.now(),
    cpu: Machine.cpuNanos(pids),
    busy: Machine.busyNanos(),
    own: process.cpuUsage()
  }
  const timer = setInterval(() => {
    const cpu = (Machine.cpuNanos(pids) - begun.cpu) / 1e6
    const wall = performance.now() - begun.wall
    const isEnough = latencies.length >= minOperations || wall > 60_000
    if ((cpu >= cpuMillis || wall > cpuMillis * wallFactor) && isEnough) isOver = true
  }, 10)
  /** @param {Worker} worker */
  const work = async (worker) => {
    while (!isOver && started < maxOperations) {
      started++
      const sent = performance.now()
      try {
        if ((await operation(worker)) === false) return
        latencies.push(performance.now() - sent)
      } catch (error) {
        errors.push(error)
        if (errors.length >= maxErrors) isOver = true
      }
    }
  }
  try {
    await Promise.all(workers.map(work))
  } finally {
    clearInterval(timer)
  }
  if (errors.length > 0) throw new Error(`${errors.length} wrong answers, such as: ${messageOf(errors[0])}`)
  if (latencies.length === 0) throw new Error("no operation was completed")
  const wall = performance.now() - begun.wall
  const cpu = Machine.cpuNanos(pids) - begun.cpu
  const own = process.cpuUsage(begun.own)
  const others = Machine.busyNanos() - begun.busy - cpu - (own.user + own.system) * 1e3
  const sorted = Float64Array.from(latencies).sort()
  return {
    operations: sorted.length,
    perCpuSecond: (sorted.length / cpu) * 1e9,
    cpuMicros: cpu / 1e3 / sorted.length,
    perSecond: (sorted.length / wall) * 1e3,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    foreign: Math.min(1, Math.max(0, others / (wall * 1e6 * Machine.cores)))
  }
}

/**
 * Sends operations at random instants with a mean of `rate` a second, for `millis`. An operation that finds no free worker
 * waits for one, and its latency counts from the instant at which it was due. Throws if an operation failed.
 *
 * @param {ReadonlyArray<Worker>} workers
 * @param {Operation} operation
 * @param {{ readonly rate: number, readonly millis: number }} options
 * @returns {Promise<{ readonly perSecond: number, readonly p50: number, readonly p99: number }>}
 */
export const openLoop = async (workers, operation, { millis, rate }) => {
  const free = Array.from(workers)
  /** @type {Array<number>} */
  const waiting = []
  /** @type {Array<unknown>} */
  const errors = []
  /** @type {Array<number>} */
  const latencies = []
  const begun = performance.now()
  const gap = () => (-Math.log(1 - Math.random()) / rate) * 1e3
  let due = begun + gap()
  let open = 0
  /** @param {number} time @param {Worker} worker */
  const send = async (time, worker) => {
    open++
    try {
      await operation(worker)
      latencies.push(performance.now() - time)
    } catch (error) {
      errors.push(error)
    }
    open--
    free.push(worker)
  }
  // The loop never sleeps: a timer of Node would add up to a millisecond to each latency.
  while (errors.length < maxErrors) {
    const now = performance.now()
    for (; due <= now && due < begun + millis; due += gap()) waiting.push(due)
    // The worker that has been free for the longest time is the next, so that all of them have turns.
    while (waiting.length > 0 && free.length > 0) {
      const [time, worker] = [waiting.shift(), free.shift()]
      if (time !== undefined && worker !== undefined) void send(time, worker)
    }
    if (due >= begun + millis && waiting.length === 0 && open === 0) break
    if (now > begun + millis * 3) throw new Error("the server does not keep up")
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (errors.length > 0) throw new Error(`${errors.length} wrong answers, such as: ${messageOf(errors[0])}`)
  const sorted = Float64Array.from(latencies).sort()
  return {
    perSecond: (sorted.length / (performance.now() - begun)) * 1e3,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99)
  }
}
