/** The errors in which each flow can end. `npm run typecheck` checks the signatures. */
import type * as Effect from "effect/Effect"
import { describe, expectTypeOf, it } from "vitest"
import type { AuthorizationRefused, AuthorizationRejected } from "../../src/domain/AuthorizationRequest.js"
import type { Forbidden } from "../../src/domain/HttpError.js"
import type {
  AccessDenied,
  InvalidClient,
  InvalidClientMetadata,
  InvalidGrant,
  InvalidRedirectUri,
  InvalidRequest,
  InvalidScope,
  InvalidSoftwareStatement,
  InvalidTarget,
  InvalidToken,
  MissingToken,
  TemporarilyUnavailable,
  UnapprovedSoftwareStatement,
  UnauthorizedClient
} from "../../src/domain/OAuthError.js"
import type { Accounts } from "../../src/services/accounts/Accounts.js"
import type { Sessions } from "../../src/services/accounts/Sessions.js"
import type { Approvals } from "../../src/services/authorization/Approvals.js"
import type { AuthorizationRequests } from "../../src/services/authorization/AuthorizationRequests.js"
import type { ClientAuthenticator } from "../../src/services/clients/ClientAuthenticator.js"
import type { ClientRegistration } from "../../src/services/clients/ClientRegistration.js"
import type { IntrospectionCallers } from "../../src/services/clients/IntrospectionCallers.js"
import type * as AuthorizationCodeGrant from "../../src/services/grants/AuthorizationCodeGrant.js"
import type * as ClientCredentialsGrant from "../../src/services/grants/ClientCredentialsGrant.js"
import type * as RefreshTokenGrant from "../../src/services/grants/RefreshTokenGrant.js"
import type { GrantStore } from "../../src/services/stores/GrantStore.js"
import type { AccessTokens } from "../../src/services/tokens/AccessTokens.js"
import type { Introspection } from "../../src/services/tokens/Introspection.js"
import type { TokenRevocation } from "../../src/services/tokens/TokenRevocation.js"
import type { TokenVerifier } from "../../src/services/tokens/TokenVerifier.js"

/** The tags of the errors that a verb can fail with: only the tag distinguishes error classes with the same members. */
type Fails<Verb extends (...parameters: never) => Effect.Effect<unknown, unknown, unknown>> =
  Effect.Effect.Error<ReturnType<Verb>> extends infer E
    ? E extends { readonly _tag: string }
      ? E["_tag"]
      : never
    : never

type Tags<E extends { readonly _tag: string }> = E["_tag"]

describe("a flow ends in these errors, and no other", () => {
  it("an authorization request ends in a page or in a redirect (RFC 6749 §4.1.2.1)", () => {
    expectTypeOf<Fails<AuthorizationRequests["Type"]["validate"]>>().toEqualTypeOf<
      Tags<AuthorizationRefused | AuthorizationRejected | TemporarilyUnavailable>
    >()
  })

  it("redeeming a code never ends in InvalidScope, because the request has no scope (RFC 6749 §4.1.3)", () => {
    type Redeeming = Fails<Effect.Effect.Success<typeof AuthorizationCodeGrant.make>>
    expectTypeOf<Redeeming>().toEqualTypeOf<Tags<InvalidGrant | InvalidTarget | TemporarilyUnavailable>>()
    expectTypeOf<Extract<Redeeming, "InvalidScope">>().toBeNever()
  })

  it("refreshing may end in InvalidScope, because the scope may exceed the grant (RFC 6749 §6)", () => {
    expectTypeOf<Fails<Effect.Effect.Success<typeof RefreshTokenGrant.make>>>().toEqualTypeOf<
      Tags<InvalidGrant | InvalidScope | InvalidTarget | TemporarilyUnavailable>
    >()
  })

  it("client credentials never end in InvalidGrant, because there is no grant (RFC 6749 §4.4)", () => {
    expectTypeOf<Fails<Effect.Effect.Success<typeof ClientCredentialsGrant.make>>>().toEqualTypeOf<
      Tags<UnauthorizedClient | InvalidScope | InvalidTarget | TemporarilyUnavailable>
    >()
  })

  it("authenticating a client or a caller of introspection ends in InvalidClient or InvalidRequest (RFC 6749 §5.2)", () => {
    type Expected = Tags<InvalidRequest | InvalidClient | TemporarilyUnavailable>
    expectTypeOf<Fails<ClientAuthenticator["Type"]["authenticate"]>>().toEqualTypeOf<Expected>()
    expectTypeOf<Fails<IntrospectionCallers["Type"]["authenticate"]>>().toEqualTypeOf<Expected>()
  })

  it("verifying a token ends in InvalidToken or in a failure of the server (RFC 6750 §3.1)", () => {
    type Expected = Tags<InvalidToken | TemporarilyUnavailable>
    expectTypeOf<Fails<TokenVerifier["Type"]["verify"]>>().toEqualTypeOf<Expected>()
    expectTypeOf<Fails<AccessTokens["Type"]["verify"]>>().toEqualTypeOf<Expected>()
  })

  it("issuing a token ends in InvalidTarget or in a failure of the server (RFC 8707 §2)", () => {
    type Expected = Tags<InvalidTarget | TemporarilyUnavailable>
    expectTypeOf<Fails<AccessTokens["Type"]["issue"]>>().toEqualTypeOf<Expected>()
    expectTypeOf<Fails<AccessTokens["Type"]["issueToClient"]>>().toEqualTypeOf<Expected>()
  })

  it("revoking and introspecting never end in an error of the token (RFC 7009 §2.2, RFC 7662 §2.2)", () => {
    expectTypeOf<Fails<TokenRevocation["Type"]["revoke"]>>().toEqualTypeOf<Tags<TemporarilyUnavailable>>()
    expectTypeOf<Fails<Introspection["Type"]["introspect"]>>().toEqualTypeOf<Tags<TemporarilyUnavailable>>()
  })

  it("registering a client ends in an error of RFC 7591 §3.2.2", () => {
    expectTypeOf<Fails<ClientRegistration["Type"]["register"]>>().toEqualTypeOf<
      Tags<
        | Forbidden
        | InvalidClientMetadata
        | InvalidRedirectUri
        | InvalidSoftwareStatement
        | InvalidToken
        | MissingToken
        | TemporarilyUnavailable
        | UnapprovedSoftwareStatement
      >
    >()
    expectTypeOf<Fails<ClientRegistration["Type"]["create"]>>().toEqualTypeOf<
      Tags<InvalidClientMetadata | InvalidRedirectUri | TemporarilyUnavailable>
    >()
  })

  it("the user's decision is an answer, and not an error; no offer may be possible (RFC 6749 §4.1.2.1)", () => {
    expectTypeOf<Fails<Approvals["Type"]["decide"]>>().toEqualTypeOf<Tags<TemporarilyUnavailable>>()
    expectTypeOf<Fails<Approvals["Type"]["offer"]>>().toEqualTypeOf<Tags<AccessDenied | TemporarilyUnavailable>>()
  })

  it("a wrong password is an answer of the accounts, and not an error", () => {
    type Expected = Tags<TemporarilyUnavailable>
    expectTypeOf<Fails<Accounts["Type"]["create"]>>().toEqualTypeOf<Expected>()
    expectTypeOf<Fails<Accounts["Type"]["authenticate"]>>().toEqualTypeOf<Expected>()
    expectTypeOf<Fails<Sessions["Type"]["begin"]>>().toEqualTypeOf<Expected>()
    expectTypeOf<Fails<Sessions["Type"]["find"]>>().toEqualTypeOf<Expected>()
  })

  it("an outcome of a store is an answer, and only its failure is an error", () => {
    type Expected = Tags<TemporarilyUnavailable>
    expectTypeOf<Fails<GrantStore["Type"]["redeem"]>>().toEqualTypeOf<Expected>()
    expectTypeOf<Fails<GrantStore["Type"]["rotate"]>>().toEqualTypeOf<Expected>()
  })
})
