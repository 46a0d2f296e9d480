/** The messages between the primary process and its workers. Node sends them as JSON (`node:cluster`). */
import type { LimitName } from "../../domain/RateLimit.js"

/** One quota of a request: the name of its limit, its key, its size, and its window in milliseconds. */
export type Quota = readonly [name: LimitName, key: string, quota: number, window: number]

/** A request to count, at a time in milliseconds since 1970. */
export interface Count {
  readonly id: number
  readonly now: number
  readonly quotas: ReadonlyArray<Quota>
}

/** The used milliseconds of the quotas of a request, before it was counted. */
export interface Counted {
  readonly id: number
  readonly owed: ReadonlyArray<number>
}

/** The part of a worker. */
export interface Assignment {
  /** Number of the worker, from 1. A worker that replaces another one has its number. */
  readonly number: number
  /** Token of the link to the first account. Each worker answers the link. */
  readonly firstAccountToken: string
}

export type FromWorker =
  /** The worker listens to messages, and waits for its assignment. */
  | { readonly _tag: "Hello" }
  /** The worker answers requests. The text is for the operator. */
  | { readonly _tag: "Ready"; readonly welcome: string }
  /** The worker cannot start, and ends. */
  | { readonly _tag: "Failed"; readonly message: string; readonly exitCode: 1 | 2 }
  | { readonly _tag: "Count"; readonly counts: ReadonlyArray<Count> }

export type FromPrimary =
  | { readonly _tag: "Assigned"; readonly assignment: Assignment }
  | { readonly _tag: "Counted"; readonly counted: ReadonlyArray<Counted> }
  /** The worker completes its requests, and ends. */
  | { readonly _tag: "Stop" }
