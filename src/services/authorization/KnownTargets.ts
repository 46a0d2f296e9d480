/** The redirect targets that users have seen on a consent page and allowed (RFC 9700 §4.11.2). */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { ReplyAddress } from "../../domain/AuthorizationRequest.js"
import * as Consent from "../../domain/Consent.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { LoggedIn } from "../accounts/Sessions.js"
import * as Spans from "../Spans.js"
import { ConsentStore } from "../stores/ConsentStore.js"

export class KnownTargets extends Context.Tag("latchkey/KnownTargets")<
  KnownTargets,
  {
    /** Returns whether this user has ever allowed this client with this redirect URI. */
    readonly has: (
      who: LoggedIn,
      replyTo: Pick<ReplyAddress, "client" | "redirectUri">
    ) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}

const make = Effect.map(ConsentStore, (consents) =>
  KnownTargets.of({
    has: Spans.fn("KnownTargets.has")(function* ({ account }, { client, redirectUri }) {
      Spans.annotate({ subject: account.id, clientId: client.id })
      return Option.exists(yield* consents.find(account.id, client.id), Consent.includesTarget(redirectUri))
    })
  })
)

export const layer = Layer.effect(KnownTargets, make)
