/** Errors as schemas of an `HttpApi`: the table of `Wire` decides, and encoding has no effects. */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import * as HttpErrors from "../../../src/domain/HttpError.js"
import * as Errors from "../../../src/domain/OAuthError.js"
import * as ApiErrors from "../../../src/http/wire/ApiErrors.js"
import * as Wire from "../../../src/http/wire/Wire.js"

const description = "a description"

const cases = [
  [ApiErrors.InvalidRequest, new Errors.InvalidRequest({ reason: "MalformedParameter", description })],
  [ApiErrors.RequestTooLarge, new HttpErrors.RequestTooLarge({ reason: "BodyTooLarge", description })],
  [ApiErrors.MissingToken, new Errors.MissingToken({ reason: "NoAuthorization", description })],
  [ApiErrors.InvalidToken, new Errors.InvalidToken({ reason: "Unknown", description })],
  [ApiErrors.InsufficientScope, new Errors.InsufficientScope({ reason: "ScopeMissing", description, required: [] })],
  [ApiErrors.NotFound, new HttpErrors.NotFound({ reason: "Unknown", description })],
  [ApiErrors.Conflict, new HttpErrors.Conflict({ reason: "NameTaken", description })],
  [ApiErrors.TooManyRequests, new HttpErrors.TooManyRequests({ reason: "RateLimited", description, retryAfter: 1 })],
  [ApiErrors.TemporarilyUnavailable, new Errors.TemporarilyUnavailable({ reason: "StoreBusy", description })],
  [ApiErrors.ServerError, new Errors.ServerError({ reason: "Defect", description })]
] as const

/** Returns the counters of Latchkey; other tests in the process may have changed them before. */
const counts = Effect.map(Metric.snapshot, (pairs) =>
  pairs.flatMap(({ metricKey: { name, tags }, metricState }) =>
    name.startsWith("latchkey_")
      ? [JSON.stringify([name, tags, metricState], (_, value) => (typeof value === "bigint" ? String(value) : value))]
      : []
  )
)

describe("the schema of an error", () => {
  for (const [schema, error] of cases) {
    it(`the schema of ${error._tag} encodes its members and has its status in the wire table`, () => {
      expect(Schema.encodeUnknownSync(schema as unknown as Schema.Schema<unknown>)(error)).toEqual(Wire.members(error))
      expect(HttpApiSchema.getStatusErrorAST(schema.ast)).toBe(Wire.status(error))
    })
  }

  it("the schema of a guard's refusals decodes them as the same errors", () => {
    const { GuardRefusal } = ApiErrors
    const isRefusal = Schema.is(GuardRefusal)
    const refusals = cases.flatMap(([, error]) => (isRefusal(error) ? [error] : []))
    expect(refusals).toHaveLength(6)
    for (const refusal of refusals) {
      expect(Schema.decodeUnknownSync(GuardRefusal)(Schema.encodeSync(GuardRefusal)(refusal))._tag).toBe(refusal._tag)
    }
  })

  it("a schema for decoding only cannot be encoded", () => {
    const schema = ApiErrors.decodeOnly(ApiErrors.NotFound)
    const error = new HttpErrors.NotFound({ reason: "Unknown", description })
    expect(Schema.decodeUnknownSync(schema)(Wire.members(error))).toEqual(error)
    expect(Either.isLeft(Schema.encodeEither(schema)(error))).toBe(true)
    expect(HttpApiSchema.getStatusErrorAST(schema.ast)).toBe(404)
  })

  it.effect("encoding an error twice neither logs nor counts", () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ message }) => lines.push(message))
    return Effect.gen(function* () {
      const before = yield* counts
      const encoded = yield* Effect.forEach([1, 2], () =>
        Schema.encode(ApiErrors.GuardRefusal)(new Errors.InvalidToken({ reason: "Expired", description }))
      )
      expect(encoded[0]).toEqual(encoded[1])
      expect(lines).toEqual([])
      expect(yield* counts).toEqual(before)
    }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
  })
})
