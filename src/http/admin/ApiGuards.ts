/** The guards of the API: programs of a user may call the account API, and programs of the operator the admin API. */
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { identify } from "../../services/events/Origin.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { type Access, CurrentAccess } from "../../services/tokens/CurrentAccess.js"
import * as BearerGuard from "../guard/BearerGuard.js"
import * as ApiResource from "./ApiResource.js"
import * as Problems from "./Problems.js"

const bearer = (description: string) =>
  HttpApiSecurity.annotate(HttpApiSecurity.bearer, OpenApi.Description, description)

/** Requires a user's access token. */
export class AccountGuard extends HttpApiMiddleware.Tag<AccountGuard>()("latchkey/api/AccountGuard", {
  provides: CurrentAccess,
  failure: Problems.GuardFailure,
  security: { account: bearer(`An access token of a user, with the scope ${ApiResource.accountScope}.`) }
}) {}

/** Requires a client's own access token. */
export class AdminGuard extends HttpApiMiddleware.Tag<AdminGuard>()("latchkey/api/AdminGuard", {
  provides: CurrentAccess,
  failure: Problems.GuardFailure,
  security: {
    admin: bearer(
      `An access token of the client itself (client_credentials), with the scope ${ApiResource.adminScope}.`
    )
  }
}) {}

/**
 * Makes the check of a guard. It ignores the token that the platform found, because the platform does not check the scheme of
 * the header. These guards are not tags of `BearerAuthApi`, because their resource depends on the issuer.
 */
const check = (principal: Access["principal"], scope: string) =>
  Effect.gen(function* () {
    const { uri } = ApiResource.make((yield* ServerSettings).issuer)
    const guard = yield* Effect.orDie(
      BearerGuard.make({ resource: uri, principals: [principal], scopes: [scope] }, { name: "the API", isFixed: true })
    )
    return () =>
      Effect.tap(Effect.flatMap(HttpServerRequest.HttpServerRequest, guard.check), ({ clientId }) => {
        // The guard has identified a program of a user already; this program acts for the operator.
        if (principal === "Client") identify({ _tag: "Program", clientId })
      })
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
