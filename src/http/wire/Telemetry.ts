/**
 * What telemetry sees of a request: one span, above those of the services, and a time. Both go by the path that the
 * endpoint was given. The platform's own tracer records whole URLs and headers, and these hold codes.
 */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Metrics from "../../services/events/Metrics.js"

/** A method is whatever the client says it is; others than these count as one. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

/** Watches a request being answered. The names of the attributes are OpenTelemetry's. */
export const observed = <E, R>(
  endpoint: string,
  given: string,
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
) => {
  const method = methods.has(given) ? given : "_OTHER"
  return Effect.flatMap(Clock.currentTimeNanos, (start) =>
    Effect.tap(handler, ({ status }) =>
      Effect.flatMap(Clock.currentTimeNanos, (end) =>
        Effect.zipRight(
          Effect.annotateCurrentSpan("http.response.status_code", status),
          Metric.update(Metrics.requests, { endpoint, method, status, seconds: Number(end - start) / 1e9 })
        )
      )
    )
  ).pipe(
    Effect.withSpan(`${method} ${endpoint}`, {
      kind: "server",
      // It is the same for every request, and costs as much as the rest of the span.
      captureStackTrace: false,
      attributes: { "http.request.method": method, "http.route": endpoint }
    })
  )
}
