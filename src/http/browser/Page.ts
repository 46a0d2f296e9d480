/** A page as a response: the headers that every page carries (OWASP; RFC 9700 §4.16 for framing). */
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
import * as Edge from "../wire/Edge.js"
import * as Wire from "../wire/Wire.js"

/**
 * No script, nothing from elsewhere, no frame; of styles the brand's and the app's own, of images the logo if there is
 * one. There is no `form-action`: Chromium applies it to the redirect that follows a post, and ours end at the client. No
 * COOP either, since a client's popup needs its opener.
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
  // With `no-referrer` a browser sends `Origin: null` with our own forms.
  "referrer-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  ...Option.match(issuer, { onNone: () => ({}), onSome: Wire.strictTransport })
})

/** The pages of one server, with its brand. */
export interface Rendering {
  readonly issuer: Option.Option<Issuer.Issuer>
  readonly brand: Brand.Brand
  /** What its requests have around them; `None` for a server that has no settings. */
  readonly edge: Option.Option<Edge.Edge>
  /** The headers of every page. */
  readonly headers: Readonly<Record<string, string>>
  /** A page as a document. */
  readonly document: <Name extends keyof Data>(name: Name, data: Data[Name]) => string
}

/** Computes once what all pages share: the brand, and the headers with their hashes. */
export const makeRendering = (
  given: Brand.Brand,
  pages: Pages.Templates = Pages.standard,
  settings: Option.Option<Settings> = Option.none()
): Rendering => {
  const issuer = Option.map(settings, ({ issuer }) => issuer)
  const documents: Documents = pages
  return {
    issuer,
    brand: given,
    edge: Option.map(settings, Edge.of),
    headers: headersOf(issuer, contentSecurityPolicy(given, pages.styles)),
    document: (name, data) => documents[name](data, given)
  }
}

/** Our own pages under our own name, for a server that has no settings. */
export const standard: Rendering = makeRendering(Brand.standard)

/** The pages of the server at hand. */
export class PageRendering extends Context.Tag("latchkey/PageRendering")<PageRendering, Rendering>() {}

/** Makes the pages of the settings and the app's own pages. */
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

/** A page of the server at hand, as a response. */
export const page = <Name extends keyof Data>(name: Name, data: Data[Name], status = 200) =>
  Effect.map(PageRendering, (rendering) => render(rendering, name, data, status))

/** The servers on a router, for what answers where none of them has a route. */
const renderings = new WeakMap<HttpLayerRouter.HttpRouter, ReadonlyArray<Rendering>>()

/** Makes the pages of the server at hand those of its router, too. */
export const layerRouter = Layer.effectDiscard(
  Effect.gen(function* () {
    const router = yield* HttpLayerRouter.HttpRouter
    renderings.set(router, [...(renderings.get(router) ?? []), yield* PageRendering])
  })
)

/** The pages for a URL path at which a router has no route: those of the server below whose issuer it is, or of the first. */
export const ofRouter = (router: HttpLayerRouter.HttpRouter, path: string): Rendering => {
  const all = renderings.get(router) ?? []
  const below = ({ issuer }: Rendering) =>
    Option.exists(issuer, (issuer) => Issuer.path(issuer) !== "" && path.startsWith(`${Issuer.path(issuer)}/`))
  return all.find(below) ?? all[0] ?? standard
}

const standardPolicy = contentSecurityPolicy(Brand.standard)

/** Sends the browser on, by GET and without the body of what it posted: never 307 (RFC 9700 §4.12). */
export const seeOther = (issuer: Issuer.Issuer, location: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({
    status: 303,
    headers: { ...headersOf(Option.some(issuer), standardPolicy), location }
  })

/**
 * Renders an error as a page in our own words: nothing that a stranger sent is on it but the request id, which a trusted
 * proxy may have taken from its client. `incident` is the id of the error in the log.
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

/** Renders errors on the pages of the server at hand (see `error`). */
export const errors = Effect.map(
  PageRendering,
  (rendering) => (refusal: OAuthError, incident?: string) => error(rendering, refusal, incident)
)

/** The page that every person can go on to: it shows their account, or has them log in. */
export const toAccount = (issuer: Issuer.Issuer): NonNullable<ErrorPage["wayOn"]> => ({
  url: `${Issuer.path(issuer)}/account`,
  label: "Go to your account"
})

/** Where an error leads on to: one of the wrong host, to the issuer's. */
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
        message: "Your account may not be used with this server. The people who run it can tell you why."
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
          "The address in your browser is another one than the server's own, so you cannot log in here. If you came here by the right address, a proxy in front of the server changes it: the log of this server says what to set."
      }
    case "MethodNotAllowed":
      return {
        title: "This page cannot be opened by itself",
        message: "Go back to the app you came from and start again."
      }
    case "ServerError":
      return {
        title: "Something went wrong here",
        message: "It was not your doing. The people who run this server can find out more.",
        ...Option.match(Option.fromNullable(/incident (\S+)/.exec(error.description)?.[1]), {
          onNone: () => ({}),
          onSome: (incident) => ({ incident })
        })
      }
    default:
      return {
        title: "This request cannot be answered",
        message: "Something in it is not as it should be. Go back to the app you came from and start again."
      }
  }
}
