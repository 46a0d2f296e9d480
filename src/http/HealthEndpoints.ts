/** `/health`: the process lives. `/ready`: it can also do its work, so traffic may come. Neither says anything more. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Issuer from "../domain/Issuer.js"
import type { OAuthError } from "../domain/OAuthError.js"
import { Readiness } from "../services/Readiness.js"
import { ServerSettings } from "../services/ServerSettings.js"
import * as Endpoint from "./Endpoint.js"
import * as Wire from "./Wire.js"

const answer = (status: string) => HttpServerResponse.unsafeJson({ status }, { headers: Wire.noStore })

/** Serves both. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const readiness = yield* Readiness
    const { issuer } = yield* ServerSettings
    const endpoint = { cors: false, renderError: (error: OAuthError) => Wire.toJson(error, issuer) }
    yield* Endpoint.add({
      ...endpoint,
      path: `${Issuer.path(issuer)}/health`,
      GET: Effect.succeed(answer("alive"))
    })
    yield* Endpoint.add({
      ...endpoint,
      path: `${Issuer.path(issuer)}/ready`,
      GET: Effect.as(readiness.check, answer("ready"))
    })
  })
)
