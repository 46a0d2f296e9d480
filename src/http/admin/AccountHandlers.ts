/** The handlers of the account API. It does the same as the account page, except the password, which only the page changes. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import { AccountOverview, type AllowedApp, type AllowedInstallation } from "../../services/accounts/AccountOverview.js"
import { Accounts } from "../../services/accounts/Accounts.js"
import type { ListedSession, LoginSource } from "../../services/accounts/Sessions.js"
import { CurrentAccess } from "../../services/tokens/CurrentAccess.js"
import type * as Api from "./Api.js"
import { noSuch, orNoSuch } from "./Problems.js"

const lastUsed = Option.match({
  onNone: () => ({}),
  onSome: (at: DateTime.Utc) => ({ last_used_at: DateTime.formatIso(at) })
})

const sourceView = ({ browser, network }: LoginSource) => ({
  ...(Option.isSome(browser) ? { browser: browser.value } : {}),
  ...(Option.isSome(network) ? { network: network.value } : {})
})

const installationView = (self: AllowedInstallation) => ({
  grant_id: self.grantId,
  client_name: self.clientName,
  allowed_at: DateTime.formatIso(self.allowedAt),
  ...lastUsed(self.lastUsedAt),
  ...sourceView(self)
})

const appView = ({ allowedSince, client, consent, installations, lastUsedAt }: AllowedApp) => ({
  client_id: client.id,
  client_name: Client.displayName(client),
  origin: client.origin,
  scope: Scope.format(ResourceScopes.scope(consent.granted)),
  resources: ResourceScopes.resources(consent.granted),
  granted: ResourceScopes.toRecord(consent.granted),
  redirect_uris: Array.from(consent.redirectUris).sort(),
  allowed_since: DateTime.formatIso(allowedSince),
  ...lastUsed(lastUsedAt),
  installations: installations.map(installationView),
  updated_at: DateTime.formatIso(consent.updatedAt)
})

const sessionView = ({ session, ...source }: ListedSession) => ({
  id: session.id,
  authenticated_at: DateTime.formatIso(session.authenticatedAt),
  ...sourceView(source),
  expires_at: DateTime.formatIso(session.expiresAt)
})

export const layer = (api: Api.Placed) =>
  HttpApiBuilder.group(api, "account", (handlers) =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const overview = yield* AccountOverview

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
            return { apps: (yield* overview.apps(subject)).map(appView) }
          })
        )
        .handle("withdraw", ({ path }) =>
          Effect.flatMap(CurrentAccess, ({ subject }) =>
            orNoSuch("app", overview.removeAccess(subject, path.client_id))
          )
        )
        .handle("removeInstallation", ({ path }) =>
          Effect.gen(function* () {
            const { subject } = yield* CurrentAccess
            const removed = yield* overview.removeInstallation(subject, path.grant_id)
            if (removed === "Unknown") return yield* noSuch("installation")
          })
        )
        .handle("sessions", () =>
          Effect.gen(function* () {
            const { subject } = yield* CurrentAccess
            return { sessions: (yield* overview.sessions(subject)).map(sessionView) }
          })
        )
        .handle("endSession", ({ path }) =>
          Effect.flatMap(CurrentAccess, ({ subject }) => orNoSuch("session", overview.endSession(subject, path.id)))
        )
    })
  )
