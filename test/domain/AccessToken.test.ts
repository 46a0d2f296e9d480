import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AccessToken from "../../src/domain/AccessToken.js"
import { ClientId } from "../../src/domain/Client.js"
import { GrantId } from "../../src/domain/Grant.js"
import { ResourceIndicator } from "../../src/domain/Resource.js"
import * as ResourceScopes from "../../src/domain/ResourceScopes.js"
import * as Scope from "../../src/domain/Scope.js"

const common = {
  audience: [ResourceIndicator.make("https://a.example/"), ResourceIndicator.make("https://b.example/mcp")],
  issuedAt: DateTime.unsafeMake(1_780_272_000_000),
  expiresAt: DateTime.unsafeMake(1_780_272_600_123),
  id: AccessToken.TokenId.make("token")
} as const
const grantId = GrantId.make("01arz3ndektsv4rrffq69g5fav")
const clientId = ClientId.make("client")

const [a, b] = common.audience
/** The scope at both resources, or at each of them. */
const both = (atA: string, atB = atA): ResourceScopes.ResourceScopes =>
  ResourceScopes.make([a, Schema.decodeSync(Scope.FromString)(atA)], [b, Schema.decodeSync(Scope.FromString)(atB)])

describe("the claims of an access token", () => {
  it.each<readonly [string, AccessToken.AccessTokenClaims]>([
    ["of a grant, with all of its scope", { ...common, grantId }],
    ["of a grant, with one scope everywhere", { ...common, grantId, scope: both("notes:read notes:write") }],
    ["of a grant, with a scope at one resource", { ...common, grantId, scope: both("notes:read notes:write", "") }],
    ["of a grant, without any scope", { ...common, grantId, scope: both("") }],
    ["of a client", { ...common, clientId, epoch: 3, scope: both("notes:read", "notes:read notes:write") }]
  ])("the claims %s are read as they were written", (_, claims) => {
    expect(AccessToken.fromJson(AccessToken.toJson(claims))).toEqual(Option.some(claims))
  })

  const text = AccessToken.toJson({ ...common, clientId, epoch: 3, scope: both("") })
  const without = (name: string) => {
    const { [name]: _, ...rest } = JSON.parse(text) as Record<string, unknown>
    return JSON.stringify(rest)
  }
  it.each([
    ["no JSON", "{"],
    ["no object", "null"],
    ["a list", "[]"],
    ["an empty object", "{}"],
    ...["a", "i", "e", "j", "c", "n", "s"].map((name) => [`no member ${name}`, without(name)]),
    ["no resource", text.replace(/"a":\[[^\]]*\]/, '"a":[]')],
    ["a resource that is no text", text.replace(/"a":\[[^\]]*\]/, '"a":[1]')],
    ["a time that is no number", text.replace(/"i":\d+/, '"i":"1"')],
    ["a time out of range", text.replace(/"e":\d+/, '"e":1e300')],
    ["an epoch that is no number", text.replace(/"n":3/, '"n":"3"')],
    ["a scope that is no text", text.replace(/"s":""/, '"s":1')],
    ["a scope for one resource of two", text.replace(/"s":""/, '"s":["notes:read"]')],
    ["a scope at a resource that is no text", text.replace(/"s":""/, '"s":["notes:read",1]')]
  ])("a text with %s has no claims", (_, json) => {
    expect(AccessToken.fromJson(json)).toEqual(Option.none())
  })
})
