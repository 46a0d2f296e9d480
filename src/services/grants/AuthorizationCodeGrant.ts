/** `grant_type=authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.5). */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as AuthorizationCode from "../../domain/AuthorizationCode.js"
import { type Client, mayUse } from "../../domain/Client.js"
import { type CodeVerifier, parseVerifier } from "../../domain/CodeChallenge.js"
import * as Grant from "../../domain/Grant.js"
import { InvalidGrant, type InvalidRequest } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import { RedirectUri } from "../../domain/RedirectUri.js"
import * as RefreshToken from "../../domain/RefreshToken.js"
import * as Time from "../../domain/Time.js"
import { Events } from "../events/Events.js"
import * as GrantTypes from "../GrantTypes.js"
import { challengeOf, digest } from "../keys/Crypto.js"
import * as RequestedResources from "../resources/RequestedResources.js"
import { Resources } from "../resources/Resources.js"
import * as ServerClock from "../ServerClock.js"
import { ServerSettings } from "../ServerSettings.js"
import * as Spans from "../Spans.js"
import { GrantStore } from "../stores/GrantStore.js"
import { AccessTokens } from "../tokens/AccessTokens.js"
import { RefreshChain } from "../tokens/RefreshChain.js"
import * as Narrowing from "./Narrowing.js"
import * as Networks from "./Networks.js"
import { issueAccessToken, tokenResponse } from "./TokenAnswer.js"

/** The parameters of a request (RFC 6749 §4.1.3, RFC 7636 §4.5, RFC 8707 §2.2). */
interface Request {
  readonly code: string
  readonly codeVerifier: CodeVerifier
  readonly redirectUri: string | undefined
  readonly resource: ReadonlyArray<string>
}

const read = (parameters: Parameters.Parameters): Either.Either<Request, InvalidRequest> =>
  Either.gen(function* () {
    const code = yield* Parameters.required(parameters, "code")
    const verifier = parseVerifier(yield* Parameters.required(parameters, "code_verifier"))
    return {
      code,
      codeVerifier: yield* Either.fromOption(verifier, () => Parameters.malformed("code_verifier")),
      redirectUri: Parameters.first(parameters, "redirect_uri"),
      resource: Parameters.all(parameters, "resource")
    }
  })

const refuse = (reason: InvalidGrant["reason"]) =>
  new InvalidGrant({ reason, description: "the code is invalid, expired or already used" })

/** Exchanges a code for tokens. Every check that spends nothing comes first; then one statement redeems the code. */
export const make = Effect.gen(function* () {
  const grants = yield* GrantStore
  const chains = yield* RefreshChain
  const events = yield* Events
  const { lifetimes, retryFromElsewhere } = yield* ServerSettings
  const resources = yield* Resources
  const tokens = yield* AccessTokens
  return Spans.fn("AuthorizationCodeGrant.handle")(function* (
    request: Request,
    client: Client,
    caller: GrantTypes.Caller
  ) {
    const parsed = AuthorizationCode.parse(request.code)
    if (Option.isNone(parsed)) return yield* refuse("Unknown")
    const code = parsed.value
    const digestOfCode = digest(code.text)

    const found = yield* grants.find(code.grantId)
    if (Option.isNone(found) || found.value.code.digest !== digestOfCode) return yield* refuse("Unknown")
    const { terms } = found.value
    const ids = { grantId: terms.id, subject: terms.subject, clientId: terms.clientId }
    Spans.annotate(ids)
    if (!Grant.isFor(terms, client)) return yield* refuse("WrongClient")
    const known = yield* resources.all
    const audience = yield* RequestedResources.narrowed(terms.granted, known, request.resource)
    const scope = Narrowing.granted(terms, known)
    const access = yield* issueAccessToken(tokens, { client, terms, scope, audience, known })

    const now = yield* ServerClock.now
    const chain = mayUse(client, "refresh_token") ? Option.some(yield* chains.begin(terms.id)) : Option.none()
    const refreshToken = Option.map(chain, ({ token }) => RefreshToken.format(token))
    const answer = yield* grants.redeem({
      grantId: terms.id,
      digest: digestOfCode,
      clientId: client.id,
      redirectUri: Option.map(Option.fromNullable(request.redirectUri), (uri) => RedirectUri.make(uri, true)),
      challenge: challengeOf(request.codeVerifier),
      now,
      duplicateWindow: lifetimes.codeWindow,
      network: Networks.ofRedemption(code.text, caller),
      fromElsewhere: retryFromElsewhere,
      chain: Option.zipWith(chain, refreshToken, ({ sealedKey }, text) => ({
        digest: digest(text),
        key: sealedKey,
        idleExpiresAt: Time.endOf(now, lifetimes.refreshTokenIdle, terms.expiresAt)
      }))
    })

    const refuseRevoked = (reason: "WrongVerifier" | "CodeReplayed", refusal: InvalidGrant["reason"]) =>
      Effect.zipRight(events.publish({ _tag: "Revoked", ...ids, reason }), refuse(refusal))
    const publishDuplicate = (elsewhere: boolean) =>
      events.publish({ _tag: elsewhere ? "DuplicateElsewhere" : "Duplicate", ...ids }, { keep: "FirstOfDay" })
    return yield* Grant.RedemptionAnswer.$match(answer, {
      Redeemed: () => Effect.as(events.publish({ _tag: "Redeemed", ...ids }), tokenResponse(access, refreshToken)),
      WrongVerifier: () => refuseRevoked("WrongVerifier", "WrongVerifier"),
      Duplicate: ({ elsewhere }) => Effect.zipRight(publishDuplicate(elsewhere), refuse("Duplicate")),
      Replayed: ({ elsewhere }) =>
        (elsewhere ? publishDuplicate(elsewhere) : Effect.void).pipe(
          Effect.zipRight(grants.revoke(terms.id, "CodeReplayed", now)),
          Effect.flatMap((isNew) => (isNew ? refuseRevoked("CodeReplayed", "Replayed") : refuse("Replayed")))
        ),
      Expired: () => refuse("Expired"),
      Unknown: () => refuse("Unknown")
    })
  })
})

/** The authorization code grant. */
export const layer = Layer.unwrapEffect(
  Effect.map(make, (handle) => GrantTypes.layerBuiltIn({ grantType: "authorization_code", read, handle }))
)
