/** Renders pages as responses, with the headers that every page carries (OWASP; RFC 9700 §4.16 for framing). */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Issuer from "../../domain/Issuer.js"
import type { OAuthError } from "../../domain/OAuthError.js"
import type { Settings } from "../../domain/Settings.js"
import { styleHash } from "../../services/keys/Crypto.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Brand from "../pages/Brand.js"
import type { ErrorPage } from "../pages/ErrorPage.js"
import type { Data, Documents } from "../pages/Pages.js"
import * as Pages from "../pages/Pages.js"
import { timeInWords } from "../pages/Time.js"
import * as Edge from "./Edge.js"
import * as Wire from "./Wire.js"

/**
 * Forbids scripts, frames and everything from elsewhere; allows the styles of the brand and the app, and the logo if there is
 * one. It has no `form-action`, because Chromium applies that to the redirect that follows a post, and these redirects end
 * at the client. Pages have no COOP, because a client's popup needs its opener.
 */
const contentSecurityPolicy = ({ logo, styles }: Brand.Brand, own?: string): string =>
  [
    "default-src 'none'",
    `style-src ${Array.from(new Set([styles, own ?? styles]), (text) => `'sha256-${styleHash(text)}'`).join(" ")}`,
    ...(logo === undefined ? [] : ["img-src data:"]),
    "base-uri 'none'",
    "frame-ancestors 'none'"
  ].join("; ")

const headersOf = (issuer: Option.Option<Issuer.Issuer>, policy: string) => ({
  ...Wire.noStore,
  "content-security-policy": policy,
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  // With `no-referrer` a browser sends `Origin: null` with this server's own forms.
  "referrer-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  ...Option.match(issuer, { onNone: () => ({}), onSome: Wire.strictTransport })
})

/** The pages of one server, with its brand. */
export interface Rendering {
  readonly issuer: Option.Option<Issuer.Issuer>
  readonly brand: Brand.Brand
  /** The middleware of its requests; `None` for a server without settings. */
  readonly edge: Option.Option<Edge.Edge>
  /** The headers of every page. */
  readonly headers: Readonly<Record<string, string>>
  /** A page as a document. */
  readonly document: <Name extends keyof Data>(name: Name, data: Data[Name]) => string
}

/** Computes the brand and the headers that all pages share. */
export const makeRendering = (
  brand: Brand.Brand,
  pages: Pages.Templates = Pages.standard,
  settings: Option.Option<Settings> = Option.none()
): Rendering => {
  const issuer = Option.map(settings, ({ issuer }) => issuer)
  const documents: Documents = pages
  return {
    issuer,
    brand,
    edge: Option.map(settings, Edge.make),
    headers: headersOf(issuer, contentSecurityPolicy(brand, pages.styles)),
    document: (name, data) => documents[name](data, brand)
  }
}

/** The built-in pages with the built-in brand, for a server without settings. */
export const standard: Rendering = makeRendering(Brand.standard)

/** The pages of the current server. */
export class PageRendering extends Context.Tag("latchkey/PageRendering")<PageRendering, Rendering>() {}

/** Builds the pages from the settings and from the app's own pages. */
export const layer: Layer.Layer<PageRendering, never, ServerSettings> = Layer.effect(
  PageRendering,
  Effect.gen(function* () {
    const settings = yield* ServerSettings
    return makeRendering(Brand.make(settings.brand), yield* Pages.Pages, Option.some(settings))
  })
)

/** A page as a response. */
export const render = <Name extends keyof Data>(
  { document, headers }: Rendering,
  name: Name,
  data: Data[Name],
  status = 200
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(document(name, data), { status, contentType: "text/html; charset=utf-8", headers })

/** A page of the current server, as a response. */
export const page = <Name extends keyof Data>(name: Name, data: Data[Name], status = 200) =>
  Effect.map(PageRendering, (rendering) => render(rendering, name, data, status))

/** The servers on a router, for the paths at which none of them has a route. */
const renderings = new WeakMap<HttpLayerRouter.HttpRouter, ReadonlyArray<Rendering>>()

/** Registers the pages of the current server with its router. */
export const layerRouter = Layer.effectDiscard(
  Effect.gen(function* () {
    const router = yield* HttpLayerRouter.HttpRouter
    renderings.set(router, [...(renderings.get(router) ?? []), yield* PageRendering])
  })
)

/** The pages for a path without a route: those of the server whose issuer the path is below, or of the first server. */
export const ofRouter = (router: HttpLayerRouter.HttpRouter, path: string): Rendering => {
  const all = renderings.get(router) ?? []
  const below = ({ issuer }: Rendering) =>
    Option.exists(issuer, (issuer) => Issuer.path(issuer) !== "" && path.startsWith(`${Issuer.path(issuer)}/`))
  return all.find(below) ?? all[0] ?? standard
}

const standardPolicy = contentSecurityPolicy(Brand.standard)

/** Redirects the browser by 303, so that it does not post its form again: never 307 (RFC 9700 §4.12). */
export const seeOther = (issuer: Issuer.Issuer, location: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({
    status: 303,
    // Without a length, Node sends an empty body in chunks.
    headers: { ...headersOf(Option.some(issuer), standardPolicy), location, "content-length": "0" }
  })

/**
 * Renders an error as a page with fixed texts. Nothing of the request is on it, except the request id, which a trusted proxy
 * may have taken from its client. `incident` is the id of the error in the log.
 */
export const error = (
  rendering: Rendering,
  error: OAuthError,
  incident?: string
): HttpServerResponse.HttpServerResponse =>
  render(
    rendering,
    "errorPage",
    {
      incident,
      ...Option.match(rendering.issuer, { onNone: () => ({}), onSome: (issuer) => ({ wayOn: wayOn(error, issuer) }) }),
      ...words(error)
    },
    Wire.status(error)
  ).pipe(HttpServerResponse.setHeaders(Wire.retryAfter(error)))

/** Renders errors on the pages of the current server (see `error`). */
export const errors = Effect.map(
  PageRendering,
  (rendering) => (refusal: OAuthError, incident?: string) => error(rendering, refusal, incident)
)

/** A link to the account page, which also logs the user in. */
export const toAccount = (issuer: Issuer.Issuer): NonNullable<ErrorPage["wayOn"]> => ({
  url: `${Issuer.path(issuer)}/account`,
  label: "Go to your account"
})

/** The link on an error page; for a request at a wrong host it leads to the issuer. */
const wayOn = (error: OAuthError, issuer: Issuer.Issuer): NonNullable<ErrorPage["wayOn"]> =>
  error._tag === "MisdirectedRequest" ? { url: `${issuer}/account`, label: `Go to ${issuer}` } : toAccount(issuer)

const words = (error: OAuthError): ErrorPage => {
  switch (error._tag) {
    case "Forbidden":
      return {
        title: "This form did not come from here",
        message: "Go back to the app you came from and start again. Nothing was changed."
      }
    case "AccessDenied":
      return {
        title: "You have no access here",
        message: "Your account may not be used with this server. Its operator can tell you why."
      }
    case "TemporarilyUnavailable":
      return { title: "The server is busy", message: `Try again in ${timeInWords(1)}. Nothing was changed.` }
    case "TooManyRequests":
      return {
        title: "Too many requests",
        message: `Try again in ${timeInWords(error.retryAfter)}. Nothing was changed.`
      }
    case "MisdirectedRequest":
      return {
        title: "This is not the address of this server",
        message:
          "The address in your browser is not the address of this server, so you cannot log in here. If you typed the right address, a proxy in front of the server changes it: the log of this server says which setting to change."
      }
    case "MethodNotAllowed":
      return {
        title: "This page cannot be opened by itself",
        message: "Go back to the app you came from and start again."
      }
    case "ServerError":
      return {
        title: "Something went wrong here",
        message: "You did nothing wrong. The operator of this server can find the cause in the log.",
        ...Option.match(Option.fromNullable(/incident (\S+)/.exec(error.description)?.[1]), {
          onNone: () => ({}),
          onSome: (incident) => ({ incident })
        })
      }
    default:
      return {
        title: "This request cannot be answered",
        message: "The request is invalid. Go back to the app you came from and start again."
      }
  }
}
