/**
 * The page at which whoever starts a new server makes its first account, beside the authorization server that it is of.
 * The app tells the link to the person who started it: `FirstAccountEndpoint.link(issuer, token)` with the `token` of the
 * service `FirstAccount`. The link works once, and only while there is no account.
 *
 * @example
 * HttpLayerRouter.serve(Layer.provideMerge(FirstAccountLayer.layer, AuthLayer.layer(options)))
 */
import type { HttpRouter } from "@effect/platform/HttpLayerRouter"
import * as Layer from "effect/Layer"
import * as FirstAccountEndpoint from "../http/browser/FirstAccountEndpoint.js"
import * as FirstAccount from "../services/accounts/FirstAccount.js"
import { besideServer } from "./wiring/BesideServer.js"
import type { ServerServices } from "./wiring/ServerServices.js"

/** The page at `/first-account`, and the service that knows the token of its link. */
export const layer: Layer.Layer<FirstAccount.FirstAccount, never, ServerServices | HttpRouter> = besideServer(
  Layer.provideMerge(FirstAccountEndpoint.layer, FirstAccount.layer)
)
