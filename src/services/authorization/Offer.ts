/** The content of a consent page, computed from the request, the recorded consent and the permitted scope. */
import * as Option from "effect/Option"
import type { AuthorizationRequest } from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import type { Consent } from "../../domain/Consent.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import type { NewGrant } from "./GrantApproval.js"

/** A grant that one Allow can make. The page carries it, so that a form that is sent twice makes one grant. */
export interface OfferedGrant extends NewGrant {
  /** The scopes on the page at each resource, ticked or not: an Allow grants no others. */
  readonly offered: ResourceScopes.ResourceScopes
}

/** An offered grant, and how the page shows its scopes. */
export interface Offer extends OfferedGrant {
  /** Ticked when the page opens: the requested scopes, and those that may be carried over from an earlier consent. */
  readonly ticked: ResourceScopes.ResourceScopes
  /** The scopes that the user has not allowed this client at the same resource before, nor any that implies them. */
  readonly fresh: ResourceScopes.ResourceScopes
}

const allowedBefore = (consent: Option.Option<Consent>) =>
  Option.match(consent, { onNone: () => ResourceScopes.empty, onSome: ({ granted }) => granted })

/** The requested scopes, at each of the requested resources that offers them and where the client may have them. */
export const requested = ({ client, resources, scope }: AuthorizationRequest) =>
  ResourceScopes.intersection(ResourceScopes.offeredBy(resources, scope), Client.allowed(client, resources))

/**
 * The scopes that the page could offer: the requested ones, and those that the user allowed this client at the same
 * resources before. So a new grant can include the older one (step-up, design §3).
 */
export const candidates = (request: AuthorizationRequest, consent: Option.Option<Consent>) => {
  const allowed = Client.allowed(request.client, request.resources)
  return ResourceScopes.union(requested(request), ResourceScopes.intersection(allowed, allowedBefore(consent)))
}

/** Whether the user has allowed this client all of the requested scopes at the same resources, or scopes that imply them. */
export const isCovered = (request: AuthorizationRequest, { granted }: Pick<Consent, "granted">): boolean =>
  ResourceScopes.isSubset(requested(request), ResourceScopes.expanded(granted, request.resources))

/** The offer, from the permitted candidates; `None` where none of the requested scopes is permitted. */
export const make = (
  request: AuthorizationRequest,
  consent: Option.Option<Consent>,
  permitted: ResourceScopes.ResourceScopes,
  grant: NewGrant
): Option.Option<Offer> => {
  const offered = ResourceScopes.intersection(candidates(request, consent), permitted)
  const requestedOnly = ResourceScopes.intersection(requested(request), permitted)
  if (Scope.isEmpty(ResourceScopes.scope(requestedOnly)) && !Scope.isEmpty(request.scope)) return Option.none()
  return Option.some({
    ...grant,
    offered,
    // An earlier scope is ticked only for a client that can prove itself: any program could ask in another one's name.
    ticked: Client.canProveItself(request.client, request.redirectUri) ? offered : requestedOnly,
    fresh: ResourceScopes.difference(offered, ResourceScopes.expanded(allowedBefore(consent), request.resources))
  })
}
