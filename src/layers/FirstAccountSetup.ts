/**
 * The page on which the operator of a new server creates its first account. The app shows the operator the link to the
 * page. The link works once, and only while the server has no account.
 *
 * @example
 * import { Console, Effect, Layer, Option } from "effect"
 * import { AuthLayer } from "latchkey"
 * import { FirstAccount } from "latchkey/FirstAccount"
 * import * as FirstAccountSetup from "latchkey/FirstAccountSetup"
 *
 * const issuer = "https://notes.example.com"
 *
 * const ShowLink = Layer.effectDiscard(
 *   Effect.gen(function* () {
 *     const token = yield* (yield* FirstAccount).token
 *     if (Option.isSome(token)) yield* Console.log(FirstAccountSetup.link(issuer, token.value))
 *   })
 * )
 *
 * export const App = ShowLink.pipe(
 *   Layer.provideMerge(FirstAccountSetup.layer),
 *   Layer.provideMerge(AuthLayer.layer({ issuer, resources: [] }))
 * )
 */
import type { HttpRouter } from "@effect/platform/HttpLayerRouter"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { Issuer } from "../domain/Issuer.js"
import * as FirstAccountEndpoint from "../http/browser/FirstAccountEndpoint.js"
import * as FirstAccount from "../services/accounts/FirstAccount.js"
import { provideServer, type ServerContext } from "./wiring/ServerContext.js"

/** Serves the page at `/first-account`, and gives the service that knows the token of its link. */
export const layer: Layer.Layer<FirstAccount.FirstAccount, never, ServerContext | HttpRouter> = provideServer(
  Layer.provideMerge(FirstAccountEndpoint.layer, FirstAccount.layer)
)

/** Returns the link that opens the page; `token` is that of the service `FirstAccount`. Throws if the issuer is not valid. */
export const link = (issuer: string, token: Redacted.Redacted): string =>
  FirstAccountEndpoint.link(Issuer.make(issuer), token)
