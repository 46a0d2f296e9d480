/** The handlers of the admin API for grants. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Subject } from "../../domain/Account.js"
import * as Grant from "../../domain/Grant.js"
import { InvalidRequest } from "../../domain/OAuthError.js"
import { Accounts } from "../../services/accounts/Accounts.js"
import { GrantHistory } from "../../services/grants/GrantHistory.js"
import { GrantRevocation } from "../../services/grants/GrantRevocation.js"
import * as EventView from "../views/EventView.js"
import * as GrantView from "../views/GrantView.js"
import type * as Api from "./Api.js"
import { GrantFilter } from "./GrantsGroup.js"
import { next } from "./Paging.js"
import * as Payload from "./Payload.js"
import { noSuch } from "./Problems.js"

const noFilter = new InvalidRequest({ reason: "MissingParameter", description: "user, client or both are missing" })

export const layer = (api: Api.Placed) =>
  HttpApiBuilder.group(api, "grants", (handlers) =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const history = yield* GrantHistory
      const revocation = yield* GrantRevocation

      const nameOf = (subject: Subject) =>
        Effect.map(
          accounts.find(subject),
          Option.match({ onNone: (): string => subject, onSome: ({ username }) => username })
        )

      return handlers
        .handle("list", ({ urlParams: { after, client, limit, user } }) =>
          Effect.gen(function* () {
            const page = { limit, ...(after === undefined ? {} : { after }) }
            const rows = yield* history.list({ subject: user, clientId: client }, page)
            const statusOf = Grant.statusAt(yield* DateTime.now)
            const subjects = Array.from(new Set(rows.map(({ terms }) => terms.subject)))
            const names = new Map(
              yield* Effect.forEach(subjects, (subject) =>
                Effect.map(nameOf(subject), (name) => [subject, name] as const)
              )
            )
            return {
              grants: rows.map((grant) =>
                GrantView.fromGrant(grant, statusOf(grant), names.get(grant.terms.subject) ?? grant.terms.subject)
              ),
              ...next(rows, limit, ({ terms }) => terms.id)
            }
          })
        )
        .handle("show", ({ path }) =>
          Effect.gen(function* () {
            const grant = yield* history.find(path.id)
            if (Option.isNone(grant)) return yield* noSuch("grant")
            const state = yield* history.status(grant.value)
            const username = yield* nameOf(grant.value.terms.subject)
            const entries = yield* history.entries(grant.value)
            return {
              ...GrantView.fromGrant(grant.value, state, username),
              story: entries.map(EventView.entryFromEvent)
            }
          })
        )
        .handle("revoke", ({ path }) =>
          Effect.flatMap(
            revocation.revoke(path.id),
            Option.match({
              onNone: () => noSuch("grant"),
              onSome: (isNew) => Effect.succeed({ revoked: isNew ? 1 : 0 })
            })
          )
        )
        .handleRaw("revokeAll", ({ request }) =>
          Effect.gen(function* () {
            const { client, user } = yield* Payload.read(request, GrantFilter)
            if (user !== undefined) {
              const filter = { subject: user, ...(client === undefined ? {} : { clientId: client }) }
              return { revoked: yield* revocation.revokeAll(filter) }
            }
            if (client === undefined) return yield* noFilter
            return { revoked: yield* revocation.revokeAll({ clientId: client }) }
          })
        )
    })
  )
