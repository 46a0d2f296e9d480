/**
 * Records one span and one duration of each request, under the path of its endpoint. The spans of the services are below it.
 * The platform's tracer would record whole URLs and headers, which hold codes.
 */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Metrics from "../../services/events/Metrics.js"

/** The methods that telemetry names. A client may send any method, so all others count as one. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

/** Records a request while its handler runs. The names of the attributes are those of OpenTelemetry. */
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
      // The stack is the same for every request, and costs as much as the rest of the span.
      captureStackTrace: false,
      attributes: { "http.request.method": method, "http.route": endpoint }
    })
  )
}
