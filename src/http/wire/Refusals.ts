/** Logs and counts the requests that get an error: by the endpoint, the tag of the error, and its reason. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { MethodNotAllowed } from "../../domain/HttpError.js"
import { type OAuthError, ServerError } from "../../domain/OAuthError.js"
import * as Metrics from "../../services/events/Metrics.js"
import * as Origin from "../../services/events/Origin.js"

/** The path exists, and does not have the method. */
export const notAllowed = new MethodNotAllowed({
  reason: "MethodNotAllowed",
  description: "the method is not allowed here"
})

/** Logs and counts an error: one that is expected with its reason, and a failure of the server with its cause. */
export const log = (endpoint: string, error: OAuthError): Effect.Effect<void> =>
  (error._tag === "TemporarilyUnavailable"
    ? Effect.annotateLogs(Effect.logWarning("request refused, server unavailable"), causeOf(error.cause))
    : Effect.logInfo("request refused")
  ).pipe(
    Effect.annotateLogs({ endpoint, error: error._tag, reason: error.reason }),
    Effect.zipRight(count(endpoint, error))
  )

/** Answers the cause of a failure: an expected error, or else a defect. An interruption stays. */
export const recover = <E, A, E2, R>(
  cause: Cause.Cause<E>,
  handle: {
    readonly onError: (error: E) => Effect.Effect<A, E2, R>
    readonly onDefect: (defect: unknown) => Effect.Effect<A, E2, R>
  }
): Effect.Effect<A, E2, R> =>
  Option.match(Cause.failureOption(cause), {
    onNone: () =>
      Option.match(Cause.dieOption(cause), {
        onNone: () => Effect.failCause(cause as Cause.Cause<never>),
        onSome: handle.onDefect
      }),
    onSome: handle.onError
  })

/** Counts an error. */
export const count = (endpoint: string, error: OAuthError): Effect.Effect<void> =>
  Effect.sync(() => Metrics.countRefusal({ endpoint, error }))

/** The fields of a cause in a log line: without the stack, which is the same for every request of an outage. */
const causeOf = (cause: unknown): Readonly<Record<string, string>> => {
  if (!(cause instanceof Error)) return cause === undefined ? {} : { cause: String(cause) }
  return { cause: cause.message, ...("code" in cause ? { code: String(cause.code) } : {}) }
}

/**
 * Logs a defect, of the server or of a layer of the app, and returns the error for the client: the log line and the error
 * share the id of the request, and nothing else.
 */
export const incident = (endpoint: string, defect: unknown): Effect.Effect<ServerError> =>
  Effect.gen(function* () {
    const id = yield* Origin.requestId
    yield* Effect.annotateLogs(Effect.logError("request failed with a server error", Cause.die(defect)), { endpoint })
    return new ServerError({ reason: "Defect", description: `something went wrong here; incident ${id}` })
  })
