/** Who may call which part of the API: people's programs their own account, the operator's programs all the rest. */
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { InsufficientScope, MissingToken, type OAuthError } from "../../domain/OAuthError.js"
import { type Access, CurrentAccess } from "../../services/CurrentAccess.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { TokenVerifier } from "../../services/TokenVerifier.js"
import * as AuthorizationHeader from "../AuthorizationHeader.js"
import * as ApiResource from "./ApiResource.js"
import * as Problems from "./Problems.js"

const failure = Schema.Union(
  Problems.InvalidToken,
  Problems.InsufficientScope,
  Schema.typeSchema(MissingToken),
  Problems.InvalidRequest,
  Problems.TemporarilyUnavailable
)

const bearer = (description: string) =>
  HttpApiSecurity.annotate(HttpApiSecurity.bearer, OpenApi.Description, description)

/** For a person's access token. */
export class AccountGuard extends HttpApiMiddleware.Tag<AccountGuard>()("latchkey/api/AccountGuard", {
  provides: CurrentAccess,
  failure,
  security: { account: bearer(`An access token of a person, with the scope ${ApiResource.accountScope}.`) }
}) {}

/** For a client's own access token. */
export class AdminGuard extends HttpApiMiddleware.Tag<AdminGuard>()("latchkey/api/AdminGuard", {
  provides: CurrentAccess,
  failure,
  security: {
    admin: bearer(`An access token of a client's own (client_credentials), with the scope ${ApiResource.adminScope}.`)
  }
}) {}

/** The platform's decoder does not check the scheme of the header, so what it found is not looked at. */
const check = (principal: Access["principal"], scope: string) =>
  Effect.gen(function* () {
    const verifier = yield* TokenVerifier
    const { uri } = ApiResource.of((yield* ServerSettings).issuer)
    return Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      yield* AuthorizationHeader.refuseRepeated(request)
      const token = yield* AuthorizationHeader.bearer(request)
      if (Option.isNone(token)) {
        return yield* new MissingToken({ reason: "NoAuthorization", description: "there is no access token" })
      }
      const access = yield* verifier.verify(token.value, uri)
      if (access.principal !== principal) {
        return yield* new InsufficientScope({
          reason: "WrongPrincipal",
          description:
            principal === "User" ? "the access token is not of a person" : "the access token is not of a client",
          required: [scope]
        })
      }
      if (!access.scope.has(scope)) {
        return yield* new InsufficientScope({
          reason: "ScopeMissing",
          description: "the access token does not carry the scope that this needs",
          required: [scope]
        })
      }
      return access
    })
  })

export const layer = Layer.mergeAll(
  Layer.effect(
    AccountGuard,
    Effect.map(check("User", ApiResource.accountScope), (check) => ({ account: () => check }))
  ),
  Layer.effect(
    AdminGuard,
    Effect.map(check("Client", ApiResource.adminScope), (check) => ({ admin: () => check }))
  )
)

/** What a refused request is told to ask for. */
export const required = (error: OAuthError, isAccount: boolean): ReadonlyArray<string> =>
  error._tag === "InsufficientScope" ? error.required : [isAccount ? ApiResource.accountScope : ApiResource.adminScope]
