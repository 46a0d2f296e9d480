/**
 * The resource owner (RFC 6749 §1.1): the user at a browser, and how they log in. A seam: either the built-in accounts with
 * their session cookie and login page, or the users of an app that has its own login.
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** A user whom the app's own session identifies. */
export interface User {
  /**
   * The app's id of the user, and the `subject` of the tokens that are issued for them. It never changes, and no two users
   * have the same: 1 to 255 characters, without control and format characters.
   */
  readonly subject: string
  /** The user's name on pages. */
  readonly displayName: string
  /** The id of the app's session, different for each session. Only its digest is stored. */
  readonly sessionId: string
  /** When the user authenticated, to the millisecond. */
  readonly authenticatedAt: DateTime.Utc
}

/** The app's login. */
export interface Options {
  /** Returns the user of the app's session in a request; `None` if none is logged in. It is called for every page. */
  readonly find: (
    request: HttpServerRequest.HttpServerRequest
  ) => Effect.Effect<Option.Option<User>, TemporarilyUnavailable>
  /**
   * Returns the URL of the app's login page. After the login the app redirects to `returnTo`, an absolute URL of this server,
   * and to no other place that the URL may name. The page must ask for a login even if the user is logged in: a client may
   * require a new login (OpenID Connect Core §3.1.2.1), which counts when `authenticatedAt` is later than the visit.
   */
  readonly loginUrl: (returnTo: string) => string
  /** URL of the app's logout page, for the link on `/account`. */
  readonly logoutUrl?: string | undefined
}

/** The login of the server. By default it has the built-in accounts. */
export class ResourceOwner extends Context.Reference<ResourceOwner>()("latchkey/ResourceOwner", {
  defaultValue: (): { readonly _tag: "BuiltIn" } | ({ readonly _tag: "External" } & Options) => ({ _tag: "BuiltIn" })
}) {}

/**
 * Uses the app's own login. The server stores an account without a password for each user, named `external:` and the
 * subject, so that the operator can disable or delete it. `/login` and `/logout` are not served.
 *
 * @example
 * import { Cookies } from "@effect/platform"
 * import { DateTime, Effect, Layer, Option } from "effect"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as ResourceOwner from "latchkey/ResourceOwner"
 *
 * interface Session { readonly id: string; readonly userId: string; readonly name: string; readonly since: DateTime.Utc }
 * declare const findSession: (id: string | undefined) => Effect.Effect<Option.Option<Session>>
 *
 * const Owner = ResourceOwner.layer({
 *   find: (request) =>
 *     Effect.map(
 *       findSession(Cookies.parseHeader(request.headers.cookie ?? "")["session"]),
 *       Option.map(({ id, userId, name, since }) => (
 *         { subject: userId, displayName: name, sessionId: id, authenticatedAt: since }
 *       ))
 *     ),
 *   loginUrl: (returnTo) => `/sign-in?return_to=${encodeURIComponent(returnTo)}`
 * })
 * const Auth = AuthLayer.layer({ issuer: "https://notes.example.com", resources: [] }).pipe(Layer.provide(Owner))
 */
export const layer = (options: Options): Layer.Layer<ResourceOwner> =>
  Layer.succeed(ResourceOwner, { _tag: "External", ...options })

/** Runs an effect that only the built-in login needs. */
export const ifBuiltIn = <E, R>(effect: Effect.Effect<void, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(ResourceOwner, ({ _tag }) => (_tag === "BuiltIn" ? effect : Effect.void))
