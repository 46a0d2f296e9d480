/** What the account API does: the same as the account page, but for the password, which stays with the page. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import { AccountStore } from "../../services/AccountStore.js"
import { ClientStore } from "../../services/ClientStore.js"
import { ConsentStore } from "../../services/ConsentStore.js"
import { CurrentAccess } from "../../services/CurrentAccess.js"
import { SessionStore } from "../../services/SessionStore.js"
import { Sessions } from "../../services/Sessions.js"
import { TakingAway } from "../../services/TakingAway.js"
import type * as Api from "./Api.js"
import { noSuch } from "./Problems.js"

export const layer = (api: Api.Placed) =>
  HttpApiBuilder.group(api, "account", (handlers) =>
    Effect.gen(function* () {
      const accounts = yield* AccountStore
      const clients = yield* ClientStore
      const consents = yield* ConsentStore
      const sessions = yield* Sessions
      const stored = yield* SessionStore
      const takingAway = yield* TakingAway

      return handlers
        .handle("me", () =>
          Effect.gen(function* () {
            const { clientId, expiresAt, scope, subject } = yield* CurrentAccess
            const account = yield* accounts.find(subject)
            return {
              subject,
              ...Option.match(account, {
                onNone: () => ({}),
                onSome: ({ createdAt, username }) => ({ username, created_at: DateTime.formatIso(createdAt) })
              }),
              client_id: clientId,
              scope: Scope.format(scope),
              expires_at: DateTime.formatIso(expiresAt)
            }
          })
        )
        .handle("apps", () =>
          Effect.gen(function* () {
            const { subject } = yield* CurrentAccess
            const apps = yield* Effect.forEach(yield* consents.list(subject), (consent) =>
              Effect.map(
                clients.find(consent.clientId),
                Option.map((client) => ({
                  client_id: client.id,
                  client_name: Client.displayName(client),
                  origin: client.origin,
                  scope: Scope.format(ResourceScopes.scope(consent.granted)),
                  resources: ResourceScopes.resources(consent.granted),
                  granted: ResourceScopes.toRecord(consent.granted),
                  updated_at: DateTime.formatIso(consent.updatedAt)
                }))
              )
            )
            return { apps: apps.flatMap(Option.toArray) }
          })
        )
        .handle("withdraw", ({ path }) =>
          Effect.gen(function* () {
            const { subject } = yield* CurrentAccess
            const consent = yield* consents.find(subject, path.client_id)
            if (Option.isNone(consent)) return yield* noSuch("app")
            yield* takingAway.withdrawConsent(subject, path.client_id)
          })
        )
        .handle("sessions", () =>
          Effect.gen(function* () {
            const { subject } = yield* CurrentAccess
            const all = yield* stored.list(subject, yield* DateTime.now)
            return {
              sessions: all.map(({ authenticatedAt, expiresAt, id }) => ({
                id,
                authenticated_at: DateTime.formatIso(authenticatedAt),
                expires_at: DateTime.formatIso(expiresAt)
              }))
            }
          })
        )
        .handle("endSession", ({ path }) =>
          Effect.gen(function* () {
            const { subject } = yield* CurrentAccess
            // Only among one's own: nobody can end, or find, another's by its id.
            const session = (yield* stored.list(subject, yield* DateTime.now)).find(({ id }) => id === path.id)
            if (session === undefined) return yield* noSuch("session")
            yield* sessions.end(session)
          })
        )
    })
  )
