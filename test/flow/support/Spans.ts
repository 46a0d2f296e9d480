/** A tracer that keeps every span, as an app's exporter would see it. */
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

export class Span implements Tracer.Span {
  readonly _tag = "Span"
  readonly spanId: string
  readonly traceId = "trace"
  readonly sampled = true
  readonly attributes = new Map<string, unknown>()
  readonly links: Array<Tracer.SpanLink> = []
  readonly events: Array<readonly [string, Record<string, unknown> | undefined]> = []
  status: Tracer.SpanStatus

  constructor(
    readonly name: string,
    readonly parent: Option.Option<Tracer.AnySpan>,
    readonly context: Tracer.Span["context"],
    startTime: bigint,
    readonly kind: Tracer.SpanKind,
    place: number
  ) {
    this.spanId = `${place}`
    this.status = { _tag: "Started", startTime }
  }

  attribute(name: string, value: unknown) {
    this.attributes.set(name, value)
  }

  event(name: string, _: bigint, attributes?: Record<string, unknown>) {
    this.events.push([name, attributes])
  }

  addLinks() {}

  end(endTime: bigint, exit: Exit.Exit<unknown, unknown>) {
    this.status = { _tag: "Ended", startTime: this.status.startTime, endTime, exit }
  }

  /** The names from the span of the request down to this one. */
  get path(): string {
    const above = Option.match(this.parent, { onNone: () => [], onSome: (span) => [(span as Span).path] })
    return [...above, this.name].join(" > ")
  }

  /** Everything that an exporter gets: a failure as its message and stack. */
  get text(): string {
    const failure =
      this.status._tag === "Ended" && this.status.exit._tag === "Failure" ? Cause.pretty(this.status.exit.cause) : ""
    return JSON.stringify([this.name, [...this.attributes], this.events, failure], (_, value) =>
      typeof value === "bigint" ? `${value}` : value
    )
  }
}

/** A tracer, and the spans that it got so far. */
export const keeping = () => {
  const spans: Array<Span> = []
  const tracer = Tracer.make({
    span: (name, parent, context, _, startTime, kind) => {
      const span = new Span(name, parent, context, startTime, kind, spans.length)
      spans.push(span)
      return span
    },
    context: (run) => run()
  })
  return { spans, tracer }
}
