/**
 * A token verifier for tests of guarded routes: a fixed list of tokens, and no authorization server.
 *
 * @example
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Layer } from "effect"
 * import { BearerAuth } from "latchkey"
 * import { TokenVerifier } from "latchkey/testing"
 *
 * const Notes = HttpLayerRouter.add("GET", "/notes", HttpServerResponse.text("Buy milk")).pipe(
 *   Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] }))
 * )
 *
 * // 200 with "of-ada", 403 with "of-bob", 401 with any other token
 * export const { handler } = HttpLayerRouter.toWebHandler(
 *   Notes.pipe(
 *     Layer.provide(
 *       TokenVerifier.layerTest({
 *         "of-ada": { subject: "ada", scopes: ["notes:read"] },
 *         "of-bob": { subject: "bob", scopes: [] }
 *       })
 *     )
 *   )
 * )
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { TokenId } from "../domain/AccessToken.js"
import { Subject } from "../domain/Account.js"
import { ClientId } from "../domain/Client.js"
import { GrantId } from "../domain/Grant.js"
import { InvalidToken } from "../domain/OAuthError.js"
import * as Resource from "../domain/Resource.js"
import * as Scope from "../domain/Scope.js"
import { toSettings } from "../layers/settings/SettingsOptions.js"
import { Resources } from "../services/resources/Resources.js"
import { ServerSettings } from "../services/ServerSettings.js"
import type { Access } from "../services/tokens/CurrentAccess.js"
import { TokenVerifier } from "../services/tokens/TokenVerifier.js"

/** The access that a token gives. */
export interface TestAccess {
  /** The user; for `principal: "Client"`, the id of the client. */
  readonly subject: string
  readonly scopes: ReadonlyArray<string>
  /** Whether the token is a user's or a client's own: "User" if not given. */
  readonly principal?: Access["principal"] | undefined
  /** The client that sends the token: "test-client" if not given, or the subject of a client's own token. */
  readonly clientId?: string | undefined
  /**
   * The resource of the token: the one of the test if not given. A guard that names its `resource` accepts only tokens with
   * the same one.
   */
  readonly resource?: string | undefined
}

/** The resource of tokens that name none. */
const defaultResource = "https://api.example.com/"

const resourceOf = ({ resource = defaultResource }: TestAccess) => Resource.ResourceIndicator.make(resource)

/** The resources of the tokens. Each offers the scopes that its tokens carry. */
const resourcesOf = (accesses: ReadonlyArray<TestAccess>): ReadonlyArray<Resource.Resource> => {
  const scopes = new Map<Resource.ResourceIndicator, Record<string, string>>()
  for (const access of accesses) {
    const own = scopes.get(resourceOf(access)) ?? {}
    for (const token of access.scopes) own[token] = token
    scopes.set(resourceOf(access), own)
  }
  return Array.from(scopes, ([uri, scopes]) => ({ uri, scopes }))
}

/** `place` of the token in the list gives its ids. */
const toAccess = (place: number, access: TestAccess, issuedAt: DateTime.Utc): Access => {
  const id = String(place).padStart(26, "0")
  const { principal = "User", subject } = access
  const common = {
    clientId: ClientId.make(access.clientId ?? (principal === "Client" ? subject : "test-client")),
    scope: Scope.make(...access.scopes),
    resource: resourceOf(access),
    tokenId: TokenId.make(id),
    issuedAt,
    expiresAt: DateTime.add(issuedAt, { minutes: 10 }),
    subject: Subject.make(subject)
  }
  return principal === "User" ? { ...common, principal, grantId: GrantId.make(id) } : { ...common, principal }
}

const unknown = new InvalidToken({ reason: "Unknown", description: "the test has no such token" })

/**
 * Returns everything that a guard needs. Each key of `tokens` is an access token that gives its access and never expires.
 * Every other token is refused.
 */
export const layerTest = (
  tokens: Readonly<Record<string, TestAccess>>
): Layer.Layer<TokenVerifier | Resources | ServerSettings> => {
  const names = Object.keys(tokens)
  const accesses = Object.values(tokens)
  // Without a token the guard needs a resource as well, to refuse every request.
  const resources = resourcesOf(accesses.length === 0 ? [{ subject: "none", scopes: [] }] : accesses)
  return Layer.mergeAll(
    Layer.succeed(
      TokenVerifier,
      TokenVerifier.of({
        verify: (redacted, resource) => {
          const place = names.indexOf(Redacted.value(redacted))
          const access = accesses[place]
          return access === undefined || resourceOf(access) !== resource
            ? unknown
            : Effect.map(DateTime.now, (now) => toAccess(place, access, now))
        }
      })
    ),
    Layer.succeed(
      Resources,
      Resources.of({
        all: Effect.succeed(resources),
        peek: () => resources,
        offered: (uri) =>
          Effect.succeed(Resource.hierarchy(resources.find((resource) => resource.uri === uri) ?? { scopes: {} })),
        offeredHere: () => undefined,
        peekOffered: () => undefined,
        addBuiltIn: () => Effect.void
      })
    ),
    Layer.effect(
      ServerSettings,
      // The guard takes its resource from `Resources`: there it may offer fewer scopes than the guard requires.
      Effect.orDie(toSettings({ issuer: "https://auth.example.com", resources: [] }))
    )
  )
}
