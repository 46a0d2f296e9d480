/**
 * The authorization server's metadata (RFC 8414 §3), at the three addresses where clients look for it when the issuer
 * has a path; the last two are those of OpenID Connect Discovery §4, which MCP clients try too.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Issuer from "../domain/Issuer.js"
import { ServerMetadata } from "../services/ServerMetadata.js"
import { ServerSettings } from "../services/ServerSettings.js"
import * as Endpoint from "./Endpoint.js"
import * as PublicDocument from "./PublicDocument.js"

/** Where the metadata of an issuer lies. */
export const paths = (issuer: Issuer.Issuer): ReadonlySet<string> => {
  const path = Issuer.path(issuer)
  return new Set([
    `/.well-known/oauth-authorization-server${path}`,
    `/.well-known/openid-configuration${path}`,
    `${path}/.well-known/openid-configuration`
  ])
}

/** Serves the metadata. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const metadata = yield* ServerMetadata
    const { issuer } = yield* ServerSettings
    for (const path of paths(issuer)) {
      yield* Endpoint.add(PublicDocument.endpoint(path, issuer, metadata.document))
    }
  })
)
