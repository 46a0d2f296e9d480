/** Who may call which part of the API: people's programs their own account, the operator's programs all the rest. */
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { identify } from "../../services/events/Origin.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { type Access, CurrentAccess } from "../../services/tokens/CurrentAccess.js"
import * as Guard from "../guard/Guard.js"
import * as ApiResource from "./ApiResource.js"
import * as Problems from "./Problems.js"

const bearer = (description: string) =>
  HttpApiSecurity.annotate(HttpApiSecurity.bearer, OpenApi.Description, description)

/** For a person's access token. */
export class AccountGuard extends HttpApiMiddleware.Tag<AccountGuard>()("latchkey/api/AccountGuard", {
  provides: CurrentAccess,
  failure: Problems.GuardFailure,
  security: { account: bearer(`An access token of a person, with the scope ${ApiResource.accountScope}.`) }
}) {}

/** For a client's own access token. */
export class AdminGuard extends HttpApiMiddleware.Tag<AdminGuard>()("latchkey/api/AdminGuard", {
  provides: CurrentAccess,
  failure: Problems.GuardFailure,
  security: {
    admin: bearer(`An access token of a client's own (client_credentials), with the scope ${ApiResource.adminScope}.`)
  }
}) {}

/**
 * The platform's decoder does not check the scheme of the header, so what it found is not looked at. Nobody can be told
 * before the issuer is known which resource this is, or these would be two tags of `BearerAuthApi`.
 */
const check = (principal: Access["principal"], scope: string) =>
  Effect.gen(function* () {
    const { uri } = ApiResource.make((yield* ServerSettings).issuer)
    const guard = yield* Effect.orDie(
      Guard.make({ resource: uri, principals: [principal], scopes: [scope] }, { name: "the API", isFixed: true })
    )
    return () =>
      Effect.tap(Effect.flatMap(HttpServerRequest.HttpServerRequest, guard.check), ({ clientId }) =>
        // The guard has named a person's program already; this one acts for the operator.
        principal === "Client" ? identify({ _tag: "Program", clientId }) : Effect.void
      )
  })

export const layer = Layer.mergeAll(
  Layer.effect(
    AccountGuard,
    Effect.map(check("User", ApiResource.accountScope), (account) => ({ account }))
  ),
  Layer.effect(
    AdminGuard,
    Effect.map(check("Client", ApiResource.adminScope), (admin) => ({ admin }))
  )
)
