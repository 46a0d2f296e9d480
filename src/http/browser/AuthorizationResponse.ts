/** The authorization response (RFC 6749 §4.1.2): a code or an error for the client, or an error page for the user. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { AuthorizationRefused, AuthorizationRejected, ReplyAddress } from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import * as Issuer from "../../domain/Issuer.js"
import * as RedirectUri from "../../domain/RedirectUri.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import { KnownTargets } from "../../services/authorization/KnownTargets.js"
import { Events } from "../../services/events/Events.js"
import * as Metrics from "../../services/events/Metrics.js"
import * as Origin from "../../services/events/Origin.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import type * as Pages from "../pages/Pages.js"
import * as Page from "../wire/Page.js"
import * as Wire from "../wire/Wire.js"

/** Redirects to the client with the code (RFC 6749 §4.1.2). */
export const granted = (request: ReplyAddress, code: Redacted.Redacted) =>
  Effect.map(ServerSettings, ({ issuer }) =>
    Page.seeOther(issuer, Wire.responseUri(request, issuer, { code: Redacted.value(code) }))
  )

/** Counts a refusal as one of the authorization endpoint, whichever endpoint finds it. */
const count = (error: Metrics.Refusal["error"]) =>
  Effect.flatMap(ServerSettings, ({ issuer }) =>
    Effect.sync(() => Metrics.countRefusal({ endpoint: `${Issuer.path(issuer)}/authorize`, error }))
  )

/** Answers a request whose error must not go to the client: an error page (RFC 6749 §4.1.2.1). */
export const refused = (error: AuthorizationRefused, who: Option.Option<LoggedIn>) =>
  Effect.gen(function* () {
    const events = yield* Events
    const { issuer } = yield* ServerSettings
    const incident = yield* Origin.requestId
    yield* Effect.annotateLogs(Effect.logInfo("authorization request refused"), { reason: error.reason })
    yield* count(error)
    // Only a user of this server can ask its operator for something.
    if (error.clientId !== undefined && Option.isSome(who)) {
      const { clientId } = error
      yield* events.publish(
        { _tag: "ClientAwaitsApproval", clientId, subject: who.value.account.id },
        { keep: "FirstOfDay" }
      )
    }
    const page: Pages.ErrorPage = {
      title: "This request cannot be answered",
      message: error.description,
      incident,
      wayOn: Page.toAccount(issuer)
    }
    return yield* Page.page("errorPage", page, 400)
  })

/** A rejection as a sentence for the user. A client that sends `prompt=none` asks for an answer without a page. */
const rejection = (error: AuthorizationRejected["error"]): string => {
  switch (error._tag) {
    case "LoginRequired":
      return "The app wants to know, without asking you, whether it has access. You are not logged in, so it has to ask you."
    case "ConsentRequired":
      return "The app wants to know, without asking you, whether it has access. You have not allowed this yet, so it has to ask you."
    default:
      return `The request of the app was refused: ${error.description}.`
  }
}

/**
 * Answers a request whose error goes to the client. The browser is redirected only to a target that this user allowed
 * this client before. To any other target the user goes by a click, on a page that names it (RFC 9700 §4.11.2).
 */
export const rejected = ({ error, replyTo }: AuthorizationRejected, who: Option.Option<LoggedIn>) =>
  Effect.gen(function* () {
    const knownTargets = yield* KnownTargets
    const { issuer } = yield* ServerSettings
    yield* Effect.annotateLogs(Effect.logInfo("authorization request rejected"), {
      error: error._tag,
      reason: error.reason,
      clientId: replyTo.client.id
    })
    yield* count(error)
    const location = Wire.errorUri(replyTo, error, issuer)
    if (Option.isSome(who) && (yield* knownTargets.has(who.value, replyTo))) return Page.seeOther(issuer, location)
    return yield* Page.page(
      "redirectNoticePage",
      {
        ...Client.identity(replyTo.client),
        target: RedirectUri.target(replyTo.redirectUri),
        what: rejection(error),
        continueUrl: location
      },
      Wire.status(error)
    )
  })
