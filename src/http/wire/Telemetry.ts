/**
 * Records one span and one duration of each request, under the path of its endpoint. The spans of the services are below it.
 * The platform's tracer would record whole URLs and headers, which hold codes.
 */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metrics from "../../services/events/Metrics.js"
import * as Fibers from "../../services/Fibers.js"
import * as Spans from "../../services/Spans.js"

/** The methods that telemetry names. A client may send any method, so all others count as one. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

const nameOf = (method: string): string => (methods.has(method) ? method : "_OTHER")

/** Starts to measure a request. The function that it returns ends the measurement. */
export const start = (clock: Clock.Clock, endpoint: string, method: string) => {
  const began = clock.unsafeCurrentTimeNanos()
  return (status: number): void =>
    Metrics.countRequest({
      endpoint,
      method: nameOf(method),
      status,
      seconds: Number(clock.unsafeCurrentTimeNanos() - began) / 1e9
    })
}

/** Measures a request while its handler runs, and adds its span if the app has installed a tracer. */
export const observed = <E, R>(
  endpoint: string,
  method: string,
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
  Fibers.withFiber((fiber) => {
    const end = start(Fibers.clock(fiber), endpoint, method)
    const measured = Spans.isTraced(fiber) ? traced(endpoint, method, handler) : handler
    return Effect.map(measured, (response) => {
      end(response.status)
      return response
    })
  })

/** Adds the span of a request. The names of the attributes are those of OpenTelemetry. */
export const traced = <E, R>(
  endpoint: string,
  method: string,
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
  Effect.tap(handler, ({ status }) => Effect.sync(() => Spans.annotate({ "http.response.status_code": status }))).pipe(
    Effect.withSpan(`${nameOf(method)} ${endpoint}`, {
      kind: "server",
      // The stack is the same for every request, and costs as much as the rest of the span.
      captureStackTrace: false,
      attributes: { "http.request.method": nameOf(method), "http.route": endpoint }
    })
  )
