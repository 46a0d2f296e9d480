/** Everything that a server emits: its log at the lowest level, its spans, and its metrics. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { inWhole, type Places } from "../../support/Secrets.js"

const causeInWhole = (cause: Cause.Cause<unknown>) => [Cause.pretty(cause, { renderErrorCause: true }), inWhole(cause)]

/** Keeps each line as the platform's loggers write it, and all of its content, even if no logger would write it. */
const keeping = (lines: Array<string>) =>
  Logger.make<unknown, void>((options) => {
    const { annotations, cause, message, spans } = options
    lines.push(
      Logger.jsonLogger.log(options),
      Logger.logfmtLogger.log(options),
      Logger.stringLogger.log(options),
      inWhole([message, ...annotations, ...spans]),
      ...causeInWhole(cause)
    )
  })

/** Keeps the parts of a span that leave the process; the value of its effect does not. */
const keepingSpans = (spans: Array<string>) =>
  Tracer.make({
    context: (execution) => execution(),
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      const allLinks = [...links]
      let status: Tracer.SpanStatus = { _tag: "Started", startTime }
      return {
        _tag: "Span",
        name,
        spanId: `${spans.length}`,
        traceId: "trace",
        parent,
        context,
        links: allLinks,
        sampled: true,
        kind,
        attributes,
        get status() {
          return status
        },
        attribute: (key, value) => attributes.set(key, value),
        event: (name, _, attributes) => spans.push(inWhole([name, attributes])),
        addLinks: (links) => allLinks.push(...links),
        end: (endTime, exit) => {
          status = { _tag: "Ended", startTime, endTime, exit }
          const parentName = Option.map(parent, (span) => (span._tag === "Span" ? span.name : span.spanId))
          const linked = allLinks.map((link) => [link.attributes, link.span._tag === "Span" ? link.span.name : ""])
          spans.push(inWhole([name, parentName, kind, attributes, linked]))
          if (Exit.isFailure(exit)) spans.push(...causeInWhole(exit.cause))
        }
      }
    }
  })

export interface Observed {
  readonly lines: ReadonlyArray<string>
  readonly spans: ReadonlyArray<string>
  /** Observes the effects to which it is provided. */
  readonly layer: Layer.Layer<never>
  /** The output so far. */
  readonly places: () => Places
}

export const make = (): Observed => {
  const lines: Array<string> = []
  const spans: Array<string> = []
  return {
    lines,
    spans,
    layer: Layer.mergeAll(
      Logger.replace(Logger.defaultLogger, keeping(lines)),
      Logger.minimumLogLevel(LogLevel.All),
      Layer.setTracer(keepingSpans(spans))
    ),
    places: () => ({
      log: lines.join("\n"),
      spans: spans.join("\n"),
      metrics: Metric.unsafeSnapshot().map(inWhole).join("\n")
    })
  }
}
