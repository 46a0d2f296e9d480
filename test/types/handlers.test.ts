/** Code that must not compile: a handler with an unknown error, and a wire table without an error. */
// What must not compile here is what these find, too.
// @effect-diagnostics missingEffectContext:off missingEffectError:off floatingEffect:off
// @effect-diagnostics globalErrorInEffectFailure:off anyUnknownInErrorContext:off
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { describe, expectTypeOf, it } from "vitest"
import { InvalidClient, InvalidGrant, type OAuthError } from "../../src/domain/OAuthError.js"
import type { TokenResponse } from "../../src/domain/TokenResponse.js"
import * as Endpoint from "../../src/http/wire/Endpoint.js"
import * as GrantTypes from "../../src/services/GrantTypes.js"

class Forgotten extends Data.TaggedError("Forgotten")<{}> {}

const invalidGrant = new InvalidGrant({ reason: "Unknown", description: "no" })
const invalidClient = new InvalidClient({ reason: "UnknownClient", description: "no" })

const respond = <E>(error: E): Effect.Effect<HttpServerResponse.HttpServerResponse, E> =>
  Effect.as(Effect.fail(error), HttpServerResponse.empty())

const issue = <E>(error: E): Effect.Effect<TokenResponse, E> => Effect.fail(error)

describe("an endpoint's handler", () => {
  it("the handler of an endpoint may fail with any OAuthError", () => {
    expectTypeOf(Endpoint.addJson("/x", true, { POST: respond(invalidGrant) })).not.toBeNever()
    expectTypeOf(Endpoint.addPage("/x", { GET: respond(invalidClient) })).not.toBeNever()
  })

  it("an endpoint does not compile if its handler fails with another error", () => {
    // @ts-expect-error: nobody renders `Forgotten`
    Endpoint.addJson("/x", true, { POST: respond(new Forgotten()) })
    // @ts-expect-error: nobody renders `Forgotten`
    Endpoint.addPage("/x", { GET: respond(new Forgotten()) })
    // @ts-expect-error: an exception is no answer
    Endpoint.addJson("/x", true, { POST: respond(new Error("thrown")) })
    Endpoint.addJson("/x", true, {
      POST: Effect.catchTag(respond(new Forgotten()), "Forgotten", () => respond(invalidGrant))
    })
  })
})

describe("a grant's handler", () => {
  const grant = { grantType: "urn:example:none", parameters: Schema.Struct({ resource: Schema.Array(Schema.String) }) }

  it("the handler of a grant type may fail with the errors of the token endpoint (RFC 6749 §5.2)", () => {
    GrantTypes.layer({ ...grant, handle: () => issue(invalidGrant) })
    expectTypeOf(invalidGrant).toExtend<GrantTypes.GrantError>()
  })

  it("a grant type does not compile if its handler fails with another error", () => {
    // @ts-expect-error: nobody renders `Forgotten`
    GrantTypes.layer({ ...grant, handle: () => issue(new Forgotten()) })
    // @ts-expect-error: the client has been authenticated before
    GrantTypes.layer({ ...grant, handle: () => issue(invalidClient) })
    GrantTypes.layer({
      ...grant,
      handle: () => Effect.catchTag(issue(new Forgotten()), "Forgotten", () => issue(invalidGrant))
    })
  })

  it("a grant type does not compile if its handler reads an undeclared parameter", () => {
    // @ts-expect-error: there is no `device_code` among the parameters
    GrantTypes.layer({ ...grant, handle: ({ device_code }) => issue(device_code) })
  })
})

describe("the wire table", () => {
  type Table = Record<OAuthError["_tag"], { readonly error: string | undefined; readonly status: number }>

  it("the wire table does not compile without one of the tags", () => {
    type Lacking<Tag extends OAuthError["_tag"]> = Omit<Table, Tag>
    type Whole<Tag extends OAuthError["_tag"]> = Tag extends unknown
      ? Lacking<Tag> extends Table
        ? Tag
        : never
      : never
    expectTypeOf<Whole<OAuthError["_tag"]>>().toBeNever()
    expectTypeOf<Table>().toExtend<Table>()
    const lacking = { InvalidGrant: { error: "invalid_grant", status: 400 } }
    // @ts-expect-error: a table of one error
    lacking satisfies Table
  })

  it("the wire table does not compile with an error that does not exist", () => {
    const none: never = undefined as never
    // @ts-expect-error: there is no `Forgotten`
    ;({ ...(none as Table), Forgotten: { error: "forgotten", status: 400 } }) satisfies Table
  })
})
