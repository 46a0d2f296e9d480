/**
 * Protected resource metadata (RFC 9728 §2, §3.1): at the path of each resource on the issuer's origin, and at the root if there
 * is only one, for clients that look there first. Several resources on paths have no document at the root: it would name the
 * wrong one.
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Issuer from "../../domain/Issuer.js"
import * as Resource from "../../domain/Resource.js"
import { Resources } from "../../services/resources/Resources.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as PublicDocument from "../wire/PublicDocument.js"
import * as Wire from "../wire/Wire.js"

const wellKnown = "/.well-known/oauth-protected-resource"

/** Returns the URL of a resource's metadata, which a challenge names (RFC 9728 §5.1). */
export const metadataUrl = (resource: Pick<Resource.Resource, "uri">): string =>
  `${new URL(resource.uri).origin}${wellKnown}${Resource.path(resource)}`

/** Returns the metadata of a resource. An empty list is left out (RFC 9728 §3.2). */
export const documentOf = (issuer: Issuer.Issuer, resource: Resource.Resource) => {
  const scopes = Object.keys(resource.scopes)
  return {
    resource: resource.uri,
    authorization_servers: [issuer],
    ...(scopes.length > 0 ? { scopes_supported: scopes } : {}),
    bearer_methods_supported: ["header"],
    ...(resource.name === undefined ? {} : { resource_name: resource.name })
  }
}

/** Finds the resource of this origin for the part of the URL after the well-known path. */
const at = (resources: ReadonlyArray<Resource.Resource>, rest: string): Resource.Resource | undefined => {
  const [path = ""] = rest.split("?", 1)
  return (
    resources.find((resource) => Resource.path(resource) === rest) ??
    resources.find(({ uri }) => new URL(uri).pathname.replace(/^\/$/, "") === path) ??
    (path === "" ? sole(Resource.listed(resources)) : undefined)
  )
}

const sole = (resources: ReadonlyArray<Resource.Resource>): Resource.Resource | undefined =>
  resources.length === 1 ? resources[0] : undefined

/** Serves the current metadata of the resources of this origin: the operator can create and delete some. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { issuer, resources: configured } = yield* ServerSettings
    const resources = yield* Resources
    const documents = new WeakMap<Resource.Resource, PublicDocument.Document>()
    const document = (resource: Resource.Resource): PublicDocument.Document => {
      const made = documents.get(resource) ?? documentOf(issuer, resource)
      documents.set(resource, made)
      return made
    }
    const answer = (request: HttpServerRequest.HttpServerRequest, all: ReadonlyArray<Resource.Resource>) => {
      const here = all.filter(({ uri }) => new URL(uri).origin === Issuer.origin(issuer))
      const resource = at(here, request.url.slice(wellKnown.length))
      return resource === undefined
        ? HttpServerResponse.empty({ status: 404 })
        : PublicDocument.answer(request, document(resource))
    }
    const GET = ({ request }: Endpoint.Call) => Effect.map(resources.all, (all) => answer(request, all))
    const peek = (request: HttpServerRequest.HttpServerRequest, now: number) => {
      const all = resources.peek(now)
      return all === undefined ? undefined : answer(request, all)
    }
    const direct = configured.map(Resource.path).flatMap((path) => (path === "" ? [] : wellKnown + path))
    for (const path of [wellKnown, `${wellKnown}/*`]) {
      yield* Endpoint.add({ path, direct, cors: true, renderError: (error) => Wire.toJson(error, issuer), peek, GET })
    }
  })
)
