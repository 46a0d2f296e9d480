/**
 * Protected resource metadata (RFC 9728 §2, §3.1): at the path of each resource that shares the issuer's origin, and at
 * the root for the first of them, where clients look that do not know the path.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Issuer } from "../domain/Issuer.js"
import * as Resource from "../domain/Resource.js"
import { ServerSettings } from "../services/ServerSettings.js"
import * as Endpoint from "./Endpoint.js"
import * as PublicDocument from "./PublicDocument.js"

const wellKnown = "/.well-known/oauth-protected-resource"

/** The URL of a resource's metadata, as a challenge names it (RFC 9728 §5.1). */
export const metadataUrl = (resource: Resource.Resource): string =>
  `${new URL(resource.uri).origin}${wellKnown}${Resource.path(resource)}`

/** The metadata of a resource; a list without members is left out (RFC 9728 §3.2). */
const document = (issuer: Issuer, resource: Resource.Resource) => {
  const scopes = Object.keys(resource.scopes)
  return {
    resource: resource.uri,
    authorization_servers: [issuer],
    ...(scopes.length > 0 ? { scopes_supported: scopes } : {}),
    bearer_methods_supported: ["header"],
    ...(resource.name === undefined ? {} : { resource_name: resource.name })
  }
}

/** Serves the metadata of the resources of this origin. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { issuer, resources } = yield* ServerSettings
    const here = resources.filter(({ uri }) => new URL(uri).origin === new URL(issuer).origin)
    const byPath = new Map(here.map((resource) => [new URL(resource.uri).pathname.replace(/^\/$/, ""), resource]))
    const [first] = here
    if (first !== undefined && !byPath.has("")) byPath.set("", first)
    for (const [path, resource] of byPath) {
      yield* Endpoint.add(
        PublicDocument.endpoint(`${wellKnown}${path}`, issuer, Effect.succeed(document(issuer, resource)))
      )
    }
  })
)
