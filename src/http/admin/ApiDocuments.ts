/** The description of the API, for programs (`/api/openapi.json`) and as a page (`/api/docs`: Swagger UI, without a CDN). */
import * as HttpApiSwagger from "@effect/platform/HttpApiSwagger"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { styleHash } from "../../services/keys/Crypto.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as AllowedMethods from "../wire/AllowedMethods.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as NotFound from "../wire/NotFound.js"
import { isOpened } from "../wire/OpenedInBrowser.js"
import * as Page from "../wire/Page.js"
import * as PublicDocument from "../wire/PublicDocument.js"
import * as Wire from "../wire/Wire.js"
import * as Api from "./Api.js"

const document = Effect.gen(function* () {
  const { issuer } = yield* ServerSettings
  const spec = { ...OpenApi.fromApi(Api.make(issuer)) }
  yield* Endpoint.add({
    path: `${Api.path(issuer)}/openapi.json`,
    cors: true,
    renderError: (error) => Wire.toJson(error, issuer),
    GET: ({ request }) => Effect.succeed(PublicDocument.answer(request, spec))
  })
})

/** The path of the API itself: a page for a user who opens it, and 404 for a program. */
const address = Effect.gen(function* () {
  const { issuer } = yield* ServerSettings
  const rendering = yield* Page.PageRendering
  yield* Endpoint.add({
    path: Api.path(issuer),
    cors: false,
    renderError: (error) => Wire.toJson(error, issuer),
    GET: Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
      isOpened(request)
        ? Page.render(rendering, "errorPage", {
            title: "This is the API of this server",
            message: "Programs use it with an access token. A page describes it.",
            wayOn: { url: `${Api.path(issuer)}/docs`, label: "Read the description" }
          })
        : NotFound.answer(request, rendering)
    )
  })
})

const hashes = (html: string, tag: RegExp): ReadonlyArray<string> =>
  Array.from(html.matchAll(tag), ([, content = ""]) => `'sha256-${styleHash(content)}'`)

/** Allows the scripts and styles of the page and no others, and calls to this server only. Our other pages have no script. */
const policy = (html: string): string =>
  [
    "default-src 'none'",
    `script-src ${hashes(html, /<script>([\s\S]*?)<\/script>/g).join(" ")}`,
    `style-src ${hashes(html, /<style>([\s\S]*?)<\/style>/g).join(" ")}`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")

/** Sets the headers of our pages on the platform's page. */
const page = HttpLayerRouter.middleware(
  Effect.sync(() => {
    // Hashes some megabytes once, for the first request.
    let known: string | undefined
    const policyOf = (response: HttpServerResponse.HttpServerResponse) => {
      const { body } = response
      known ??= policy(body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : "")
      return known
    }
    return (page) =>
      Effect.map(page, (response) =>
        HttpServerResponse.setHeaders(response, {
          "content-security-policy": policyOf(response),
          "cache-control": "public, max-age=300",
          "x-frame-options": "DENY",
          "x-content-type-options": "nosniff",
          "referrer-policy": "no-referrer",
          "cross-origin-resource-policy": "same-origin"
        })
      )
  })
).layer

/** Serves a page at the path of the API itself, for a server that has no other route there. */
export const layerAddress = Layer.effectDiscard(address)

/** Serves the description, for programs and as a page. Only the page has the name of the brand. */
export const layer = Layer.unwrapEffect(
  Effect.map(ServerSettings, ({ brand, issuer }) =>
    Layer.merge(
      Layer.effectDiscard(document),
      HttpApiSwagger.layerHttpLayerRouter({
        api: brand.name === undefined ? Api.make(issuer) : Api.make(issuer).annotate(OpenApi.Title, brand.name),
        path: `${Api.path(issuer)}/docs`
      }).pipe(Layer.provide(page), Layer.provide(AllowedMethods.layer()))
    )
  )
)
