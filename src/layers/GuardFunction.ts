/** The guard as a function of a request, for frameworks that know nothing of Effect. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Guard from "../http/guard/Guard.js"
import type * as CurrentAccess from "../services/tokens/CurrentAccess.js"

/** What a guard asks for. */
export interface GuardOptions extends Guard.Options {}

/** Who calls, for whom, and what they may do. */
export interface Access {
  /** The person; of a client that acts for itself, its own id. */
  readonly subject: string
  readonly principal: "User" | "Client"
  readonly clientId: string
  readonly scope: ReadonlyArray<string>
  /** The resource that the request is for. */
  readonly resource: string
  // biome-ignore lint/style/noRestrictedGlobals: callers outside of Effect know this type.
  readonly issuedAt: Date
  // biome-ignore lint/style/noRestrictedGlobals: as above.
  readonly expiresAt: Date
}

/** The access of a request, or the response that refuses it (RFC 6750 §3): one of them is there. */
export type Checked =
  | { readonly access: Access; readonly response?: undefined }
  | { readonly access?: undefined; readonly response: Response }

/** A request, as far as a guard looks at it: one of the Fetch standard, or one of node:http. */
export interface GuardedRequest {
  readonly headers: Headers | Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** Of node:http: it hides a second Authorization header, which stands here. */
  readonly rawHeaders?: ReadonlyArray<string>
}

/**
 * Checks a request. `scopes` are those that this operation needs beyond the guard's. Rejects only when the guard cannot
 * work at all, by wrong settings or a storage that does not open; never for what a client sent.
 */
export type CheckRequest = (request: GuardedRequest, ...scopes: ReadonlyArray<string>) => Promise<Checked>

/** The Authorization header of a request, with more than one joined, as the Fetch standard does. */
const authorization = ({ headers }: GuardedRequest): string | undefined => {
  if (isHeaders(headers)) return headers.get("authorization") ?? undefined
  const values = Object.entries(headers).flatMap(([name, value]) =>
    name.toLowerCase() === "authorization" ? (value ?? []) : []
  )
  return values.length === 0 ? undefined : values.join(", ")
}

/** Not by `instanceof`: a framework may bring a class of its own. */
const isHeaders = (headers: GuardedRequest["headers"]): headers is Headers => typeof headers.get === "function"

const plain = (access: CurrentAccess.Access): Access => ({
  subject: access.subject,
  principal: access.principal,
  clientId: access.clientId,
  scope: Array.from(access.scope),
  resource: access.resource,
  issuedAt: DateTime.toDate(access.issuedAt),
  expiresAt: DateTime.toDate(access.expiresAt)
})

/** A guard's answer to one request. */
export const check = (
  guard: Guard.Guard,
  request: GuardedRequest,
  scopes: ReadonlyArray<string>
): Effect.Effect<Checked> => {
  const carrier = { headers: { authorization: authorization(request) }, source: request }
  const checked = guard.check(carrier).pipe(
    Effect.tap((access) => Guard.requireOf(access, scopes)),
    Effect.matchEffect({
      onFailure: (refusal) =>
        Effect.flatMap(guard.answer(refusal), (response) => guard.edge.sign(carrier, response)).pipe(
          Effect.map((response) => ({ response: HttpServerResponse.toWeb(response) }))
        ),
      onSuccess: (access) => Effect.succeed({ access: plain(access) })
    })
  )
  return guard.edge.enter(carrier, checked)
}
