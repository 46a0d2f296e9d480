/** `grant_type=authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.5). */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AuthorizationCode from "../../domain/AuthorizationCode.js"
import { type Client, mayUse } from "../../domain/Client.js"
import { CodeVerifier } from "../../domain/CodeChallenge.js"
import type { EventKind } from "../../domain/Event.js"
import * as Grant from "../../domain/Grant.js"
import { InvalidGrant } from "../../domain/OAuthError.js"
import { RedirectUri } from "../../domain/RedirectUri.js"
import * as RefreshToken from "../../domain/RefreshToken.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Time from "../../domain/Time.js"
import { Events } from "../events/Events.js"
import * as GrantTypes from "../GrantTypes.js"
import { challengeOf, digest } from "../keys/Crypto.js"
import { Resources } from "../resources/Resources.js"
import { ServerSettings } from "../ServerSettings.js"
import { GrantStore } from "../stores/GrantStore.js"
import { RefreshChain } from "../tokens/RefreshChain.js"
import * as Narrowing from "./Narrowing.js"
import * as Networks from "./Networks.js"
import { prepare, respond } from "./TokenAnswer.js"

const parameters = Schema.Struct({
  code: Schema.String,
  code_verifier: CodeVerifier,
  redirect_uri: Schema.optional(Schema.String),
  resource: Schema.Array(Schema.String)
})

const refuse = (reason: InvalidGrant["reason"]) =>
  new InvalidGrant({ reason, description: "the code is not valid, or not any more" })

/** The checks that spend nothing come first; then one statement spends the code, and says how that went. */
export const handle = Effect.fn("AuthorizationCodeGrant.handle")(function* (
  request: typeof parameters.Type,
  client: Client,
  caller: GrantTypes.Caller
) {
  const grants = yield* GrantStore
  const chains = yield* RefreshChain
  const events = yield* Events
  const { lifetimes, retryFromElsewhere } = yield* ServerSettings
  const resources = yield* Resources

  const parsed = AuthorizationCode.parse(request.code)
  if (Option.isNone(parsed)) return yield* refuse("Unknown")
  const code = parsed.value
  const digestOfCode = digest(code.text)

  const found = yield* grants.find(code.grantId)
  if (Option.isNone(found) || found.value.code.digest !== digestOfCode) return yield* refuse("Unknown")
  const { terms } = found.value
  const ids = { grantId: terms.id, subject: terms.subject, clientId: terms.clientId }
  yield* Effect.annotateCurrentSpan(ids)
  if (terms.clientId !== client.id) return yield* refuse("WrongClient")
  const audience = yield* Narrowing.audience(terms, yield* resources.all, request.resource)
  const access = yield* prepare(client, terms, ResourceScopes.scope(terms.granted), audience)

  const now = yield* DateTime.now
  const chain = mayUse(client, "refresh_token") ? Option.some(yield* chains.begin(terms.id)) : Option.none()
  const answer = yield* grants.redeem({
    grantId: terms.id,
    digest: digestOfCode,
    clientId: client.id,
    redirectUri: Option.map(Option.fromNullable(request.redirect_uri), (uri) => RedirectUri.make(uri, true)),
    challenge: challengeOf(request.code_verifier),
    now,
    duplicateWindow: lifetimes.codeWindow,
    network: Networks.ofRedemption(code.text, caller),
    fromElsewhere: retryFromElsewhere,
    chain: Option.map(chain, ({ sealedKey, token }) => ({
      digest: digest(RefreshToken.format(token)),
      key: sealedKey,
      idleExpiresAt: Time.endOf(now, lifetimes.refreshTokenIdle, terms.expiresAt)
    }))
  })

  const tell = (kind: EventKind, what: InvalidGrant["reason"]) => Effect.zipRight(events.publish(kind), refuse(what))
  const tellDuplicate = (elsewhere: boolean) =>
    events.publish({ _tag: elsewhere ? "DuplicateElsewhere" : "Duplicate", ...ids }, { keep: "FirstOfDay" })
  return yield* Grant.RedemptionAnswer.$match(answer, {
    Redeemed: () =>
      Effect.as(
        events.publish({ _tag: "Redeemed", ...ids }),
        respond(
          access,
          Option.map(chain, ({ token }) => token)
        )
      ),
    WrongVerifier: () => tell({ _tag: "Revoked", ...ids, reason: "WrongVerifier" }, "WrongVerifier"),
    Duplicate: ({ elsewhere }) => Effect.zipRight(tellDuplicate(elsewhere), refuse("Duplicate")),
    Replayed: ({ elsewhere }) =>
      (elsewhere ? tellDuplicate(elsewhere) : Effect.void).pipe(
        Effect.zipRight(grants.revoke(terms.id, "CodeReplayed", now)),
        Effect.flatMap((isNew) =>
          isNew ? tell({ _tag: "Revoked", ...ids, reason: "CodeReplayed" }, "Replayed") : refuse("Replayed")
        )
      ),
    Expired: () => refuse("Expired"),
    Unknown: () => refuse("Unknown")
  })
})

/** The authorization code grant. */
export const layer = GrantTypes.layer({ grantType: "authorization_code", parameters, handle })
