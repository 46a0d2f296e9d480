/** What the API is, for programs (`/api/openapi.json`) and for people (`/api/docs`: Swagger UI, with all that it needs). */
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
    GET: PublicDocument.answer(spec)
  })
})

/** The address of the API itself: a page for a person who opens it; there is nothing for a program. */
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
            message: "It is for programs, which need an access token for it. Its description is a page for people.",
            wayOn: { url: `${Api.path(issuer)}/docs`, label: "Read the description" }
          })
        : NotFound.answer(request, rendering)
    )
  })
})

const hashes = (html: string, tag: RegExp): ReadonlyArray<string> =>
  Array.from(html.matchAll(tag), ([, content = ""]) => `'sha256-${styleHash(content)}'`)

/** Its own scripts and styles and no others, and calls to this server alone; our other pages have no script at all. */
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

/** The platform's page, with the headers that a page carries here. */
const page = HttpLayerRouter.middleware(
  Effect.sync(() => {
    // Megabytes are hashed once, and not before somebody looks.
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

/** Serves the page at the address of the API itself, for a server that has no route of its own there. */
export const layerAddress = Layer.effectDiscard(address)

/** Serves the description, for programs and for people. The page has the name of the brand, which no program reads. */
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
