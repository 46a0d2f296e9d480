/**
 * The server's Effect metrics: an app exports them together with its own. The values of every tag are a closed set: the path
 * of an endpoint, or a name or reason that is in this code, and never a text from a request. Metrics belong to the
 * process: servers in one process are counted together.
 *
 * @example
 * import { Effect, Metric } from "effect"
 *
 * const ours = Effect.map(Metric.snapshot, (pairs) =>
 *   pairs.filter(({ metricKey }) => metricKey.name.startsWith("latchkey_"))
 * )
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricLabel from "effect/MetricLabel"
import type { EventKind } from "../../domain/Event.js"

const labels = (tags: Readonly<Record<string, string>>) =>
  Object.entries(tags).map(([name, value]) => MetricLabel.make(name, value))

/** Returns a function that updates a metric under some tags, by no step. Each set of tags is a metric, which is made once. */
const updating = <Type, Out>(metric: Metric.Metric<Type, number, Out>) => {
  const byTags = new Map<string, typeof metric>()
  return (tags: Readonly<Record<string, string>>, value: number): void => {
    const key = Object.values(tags).join(" ")
    let tagged = byTags.get(key)
    if (tagged === undefined) {
      tagged = Metric.taggedWithLabels(metric, labels(tags))
      byTags.set(key, tagged)
    }
    tagged.unsafeUpdate(value, [])
  }
}

/** Number of events by kind; `reason` is the reason of a revocation. */
const events = updating(
  Metric.counter("latchkey_events_total", {
    description: "Events of accounts, clients, grants and keys",
    incremental: true
  })
)

/** Counts an event. */
export const countEvent = (kind: EventKind): void =>
  events({ event: kind._tag, ...("reason" in kind ? { reason: kind.reason } : {}) }, 1)

/** A refused request. */
export interface Refusal {
  /** The path of the endpoint, or `guard`. */
  readonly endpoint: string
  readonly error: { readonly _tag: string; readonly reason: string }
}

/** Number of refused requests. The log has a line for each of them. */
const refusals = updating(
  Metric.counter("latchkey_refusals_total", {
    description: "Requests that were refused",
    incremental: true
  })
)

/** Counts a refused request. */
export const countRefusal = ({ endpoint, error }: Refusal): void =>
  refusals({ endpoint, error: error._tag, reason: error.reason }, 1)

/** An answered request. */
export interface Answered {
  readonly endpoint: string
  readonly method: string
  readonly status: number
  readonly seconds: number
}

/** Upper bounds of the buckets, in seconds: from a page out of memory to a login that waits for its password hash. */
const boundaries = MetricBoundaries.fromIterable([
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10
])

const durations = updating(Metric.histogram("latchkey_request_seconds", boundaries, "How long requests took"))

/** Counts the time from a request to its response, by the class of the status, such as `2xx`. */
export const countRequest = ({ endpoint, method, seconds, status }: Answered): void =>
  durations({ endpoint, method, status: `${Math.floor(status / 100)}xx` }, seconds)

/** Rows that maintenance deleted and chain keys that it resealed, by the names of its report. */
export const maintenance = Metric.counter("latchkey_maintenance_total", {
  description: "Rows that maintenance deleted or resealed",
  incremental: true
}).pipe(
  Metric.mapInput(({ count }: { readonly kind: string; readonly count: number }) => count),
  Metric.taggedWithLabelsInput(({ kind }) => labels({ kind }))
)
