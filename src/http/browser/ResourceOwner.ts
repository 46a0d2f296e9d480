/**
 * The resource owner (RFC 6749 §1.1): who is at this browser, and how do they log in? A seam: the built-in accounts with
 * their session cookie and login page, or the people of an app that has a login of its own.
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** Somebody whom the app's own session vouches for. */
export interface Person {
  /**
   * The app's name for the person, and the `subject` of what is issued for them. The same person has the same for ever,
   * and no two have one: 1 to 255 characters, none of them a control or format character.
   */
  readonly subject: string
  /** What pages call the person. */
  readonly displayName: string
  /** Names the app's session: another one has another. It is stored nowhere, only its digest is. */
  readonly sessionId: string
  /** When the person proved who they are, to the millisecond. */
  readonly authenticatedAt: DateTime.Utc
}

/** What an app says of its people. */
export interface Options {
  /** Who is at the browser that sent a request, by the app's own session. It is asked for every page. */
  readonly find: (
    request: HttpServerRequest.HttpServerRequest
  ) => Effect.Effect<Option.Option<Person>, TemporarilyUnavailable>
  /**
   * Where people log in; then the app sends them on to `returnTo`, an absolute URL of this server, and to no other place
   * that its URL may name. Whoever comes there has to log in, even if they are logged in: a client may ask for a new
   * login (OpenID Connect Core §3.1.2.1), which counts when `authenticatedAt` is later than the visit.
   */
  readonly loginUrl: (returnTo: string) => string
  /** Where people log out, for the link on `/account`. */
  readonly logoutUrl?: string | undefined
}

/** The login of the server. By default it has the built-in accounts. */
export class ResourceOwner extends Context.Reference<ResourceOwner>()("latchkey/ResourceOwner", {
  defaultValue: (): { readonly _tag: "BuiltIn" } | ({ readonly _tag: "External" } & Options) => ({ _tag: "BuiltIn" })
}) {}

/**
 * The people of the app's own login. An account named `external:` and their subject is kept of each, so that the operator
 * can disable or delete it; it has no password. `/login` and `/logout` are the app's then, and not served.
 *
 * @example
 * const Owner = ResourceOwner.layer({
 *   find: (request) => Effect.map(sessionOf(request), Option.map(({ id, user, since }) => (
 *     { subject: user.id, displayName: user.name, sessionId: id, authenticatedAt: since }
 *   ))),
 *   loginUrl: (returnTo) => `/sign-in?return_to=${encodeURIComponent(returnTo)}`
 * })
 * AuthLayer.layer(options).pipe(Layer.provide(Owner))
 */
export const layer = (options: Options): Layer.Layer<ResourceOwner> =>
  Layer.succeed(ResourceOwner, { _tag: "External", ...options })

/** Does what only the built-in login needs. */
export const ifBuiltIn = <E, R>(effect: Effect.Effect<void, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(ResourceOwner, ({ _tag }) => (_tag === "BuiltIn" ? effect : Effect.void))
