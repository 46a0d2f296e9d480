/** The registry of grant types. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { InvalidGrant } from "../../src/domain/OAuthError.js"
import * as GrantTypes from "../../src/services/GrantTypes.js"

const grant = (grantType: string) =>
  GrantTypes.layer({
    grantType,
    parameters: Schema.Struct({ resource: Schema.Array(Schema.String) }),
    handle: () => new InvalidGrant({ reason: "Unknown", description: "there is no such thing" })
  })

const build = (...grants: ReadonlyArray<Layer.Layer<never, never, GrantTypes.GrantTypes>>) =>
  Effect.gen(function* () {
    const registry = yield* Layer.build(GrantTypes.layerEmpty)
    for (const grant of grants) yield* Effect.provide(Layer.build(grant), registry)
    return yield* Effect.provide(
      Effect.map(GrantTypes.GrantTypes, ({ names }) => names()),
      registry
    )
  }).pipe(Effect.scoped)

describe("the registry of grant types", () => {
  it.effect("names every registered grant type", () =>
    Effect.gen(function* () {
      expect(yield* build(grant("urn:example:a"), grant("urn:example:b"))).toEqual(["urn:example:a", "urn:example:b"])
    })
  )

  it.effect("dies when a second grant type is registered under the same name", () =>
    Effect.gen(function* () {
      const cause = yield* Effect.flip(Effect.sandbox(build(grant("urn:example:a"), grant("urn:example:a"))))
      expect(Cause.squash(cause)).toBeInstanceOf(GrantTypes.DuplicateGrantType)
      expect(Cause.pretty(cause)).toContain("urn:example:a")
    })
  )
})
