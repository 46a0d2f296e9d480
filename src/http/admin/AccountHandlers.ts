/** What the account API does: the same as the account page, but for the password, which stays with the page. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import { Sessions } from "../../services/accounts/Sessions.js"
import * as AppUses from "../../services/clients/AppUses.js"
import { GrantRevocation } from "../../services/grants/GrantRevocation.js"
import { AccountStore } from "../../services/stores/AccountStore.js"
import { ClientStore } from "../../services/stores/ClientStore.js"
import { ConsentStore } from "../../services/stores/ConsentStore.js"
import { GrantStore } from "../../services/stores/GrantStore.js"
import { CurrentAccess } from "../../services/tokens/CurrentAccess.js"
import type * as Api from "./Api.js"
import { noSuch } from "./NoSuch.js"

export const layer = (api: Api.Placed) =>
  HttpApiBuilder.group(api, "account", (handlers) =>
    Effect.gen(function* () {
      const accounts = yield* AccountStore
      const clients = yield* ClientStore
      const consents = yield* ConsentStore
      const grants = yield* GrantStore
      const sessions = yield* Sessions
      const revocation = yield* GrantRevocation

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
            const useOf = yield* Effect.provideService(AppUses.of(subject), GrantStore, grants)
            const apps = yield* Effect.forEach(yield* consents.list(subject), (consent) =>
              Effect.map(
                clients.find(consent.clientId),
                Option.map((client) => {
                  const { allowedSince, lastUsedAt } = useOf(consent)
                  return {
                    client_id: client.id,
                    client_name: Client.displayName(client),
                    origin: client.origin,
                    scope: Scope.format(ResourceScopes.scope(consent.granted)),
                    resources: ResourceScopes.resources(consent.granted),
                    granted: ResourceScopes.toRecord(consent.granted),
                    redirect_uris: Array.from(consent.redirectUris).sort(),
                    allowed_since: DateTime.formatIso(allowedSince),
                    ...(Option.isSome(lastUsedAt) ? { last_used_at: DateTime.formatIso(lastUsedAt.value) } : {}),
                    updated_at: DateTime.formatIso(consent.updatedAt)
                  }
                })
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
            yield* revocation.withdraw(subject, path.client_id)
          })
        )
        .handle("sessions", () =>
          Effect.gen(function* () {
            const { subject } = yield* CurrentAccess
            return {
              sessions: (yield* sessions.list(subject)).map(({ browser, network, session }) => ({
                id: session.id,
                authenticated_at: DateTime.formatIso(session.authenticatedAt),
                ...(Option.isSome(browser) ? { browser: browser.value } : {}),
                ...(Option.isSome(network) ? { network: network.value } : {}),
                expires_at: DateTime.formatIso(session.expiresAt)
              }))
            }
          })
        )
        .handle("endSession", ({ path }) =>
          Effect.gen(function* () {
            const { subject } = yield* CurrentAccess
            // Only among one's own: nobody can end, or find, another's by its id.
            const found = (yield* sessions.list(subject)).find(({ session }) => session.id === path.id)
            if (found === undefined) return yield* noSuch("session")
            yield* sessions.end(found.session)
          })
        )
    })
  )
