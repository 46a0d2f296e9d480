/** The account and admin API, which no RFC defines, as one `HttpApi` (OpenAPI 3.1). */
import * as HttpApi from "@effect/platform/HttpApi"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import * as Issuer from "../../domain/Issuer.js"
import { AccountGroup } from "./AccountGroup.js"
import { AuditGroup } from "./AuditGroup.js"
import { ClientsGroup } from "./ClientsGroup.js"
import { GrantsGroup } from "./GrantsGroup.js"
import { InitialAccessTokensGroup } from "./InitialAccessTokensGroup.js"
import * as Problems from "./Problems.js"
import { ResourcesGroup } from "./ResourcesGroup.js"
import { UsersGroup } from "./UsersGroup.js"

const description = `The account API is for programs of a user, the admin API for programs of the operator.
A program gets its access token as for any other resource, by the indicator of this API or by the scopes that it needs.`

class Groups extends HttpApi.make("latchkey")
  .add(AccountGroup)
  .add(UsersGroup)
  .add(ClientsGroup)
  .add(InitialAccessTokensGroup)
  .add(ResourcesGroup)
  .add(GrantsGroup)
  .add(AuditGroup)
  .addError(Problems.InvalidRequest)
  .addError(Problems.TemporarilyUnavailable)
  .annotateContext(OpenApi.annotations({ title: "Latchkey", version: "1", description })) {}

type ErrorSchema = (typeof Groups)["errorSchema"]

export class Api extends Groups {
  /** Without the platform's own error, which every API begins with: it repeats what was sent (see `ApiRoutes`). */
  static override readonly errorSchema: ErrorSchema = Schema.make(
    Schema.Union(Problems.InvalidRequest, Problems.TemporarilyUnavailable).ast
  )
}

/** Returns the path of an issuer's API. */
export const path = (issuer: Issuer.Issuer): `/${string}` => `${Issuer.path(issuer)}/api`

/** Returns the API of an issuer. */
export const make = (issuer: Issuer.Issuer) => Api.prefix(path(issuer))

/** The API at its path. */
export type Placed = ReturnType<typeof make>
