/**
 * The authorization server's metadata: as in RFC 8414 §3, and as a document that meets OpenID Connect Discovery 1.0 §3, at
 * each address where clients look if the issuer has a path. ADR 31 says why there is an OpenID document although the server
 * issues no ID tokens.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Issuer from "../../domain/Issuer.js"
import { type Members, ServerMetadata } from "../../services/metadata/ServerMetadata.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as PublicDocument from "../wire/PublicDocument.js"

/** Returns the paths of a well-known name: before the issuer's path (RFC 8414 §3.1) and after it (OpenID Discovery §4). */
const addresses = (issuer: Issuer.Issuer, name: string): ReadonlySet<string> => {
  const path = Issuer.path(issuer)
  return new Set([`/.well-known/${name}${path}`, `${path}/.well-known/${name}`])
}

/** Returns the paths of an issuer's metadata (RFC 8414 §3), the standard one first. */
export const paths = (issuer: Issuer.Issuer): ReadonlySet<string> => addresses(issuer, "oauth-authorization-server")

/**
 * The members that OpenID Connect Discovery §3 requires beyond those of RFC 8414. The server signs nothing: the key set is
 * empty, and the algorithm is the one that every provider must name.
 */
const openidMembers = (issuer: Issuer.Issuer) => ({
  jwks_uri: `${issuer}/jwks`,
  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: ["RS256"]
})

/** Serves the metadata, and the empty key set that the OpenID document names. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const metadata = yield* ServerMetadata
    const { issuer } = yield* ServerSettings
    for (const path of paths(issuer)) yield* Endpoint.add(PublicDocument.endpoint(path, issuer, metadata))
    const own = openidMembers(issuer)
    let last: { readonly members: Members; readonly document: PublicDocument.Document } | undefined
    const openidOf = (members: Members): PublicDocument.Document => {
      if (last?.members !== members) last = { members, document: { ...members, ...own } }
      return last.document
    }
    const openid: PublicDocument.Source = {
      document: Effect.map(metadata.document, openidOf),
      peek: (now) => Option.getOrUndefined(Option.map(Option.fromNullable(metadata.peek(now)), openidOf))
    }
    for (const path of addresses(issuer, "openid-configuration")) {
      yield* Endpoint.add(PublicDocument.endpoint(path, issuer, openid))
    }
    const keys = { keys: [] }
    const keySet: PublicDocument.Source = { document: Effect.succeed(keys), peek: () => keys }
    yield* Endpoint.add(PublicDocument.endpoint(`${Issuer.path(issuer)}/jwks`, issuer, keySet))
  })
)
