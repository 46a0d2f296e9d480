/** What the server offers that is its own, as one API (OpenAPI 3.1). */
import * as HttpApi from "@effect/platform/HttpApi"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Issuer from "../../domain/Issuer.js"
import * as ApiErrors from "../wire/ApiErrors.js"
import { AccountGroup } from "./AccountGroup.js"
import { AuditGroup } from "./AuditGroup.js"
import { ClientsGroup } from "./ClientsGroup.js"
import { GrantsGroup } from "./GrantsGroup.js"
import { ResourcesGroup } from "./ResourcesGroup.js"
import { UsersGroup } from "./UsersGroup.js"

const description = `The account API is for a person's programs, the admin API for the operator's.
A program gets its access token as for any other resource, by the indicator of this API or by the scopes that it needs.`

/** The platform adds its own error to every operation, which nobody here is ever answered with. */
const transform = (spec: Record<string, unknown>): Record<string, unknown> => {
  const { HttpApiDecodeError: _, Issue: __, ...schemas } = (spec as unknown as OpenApi.OpenAPISpec).components.schemas
  const isOurs = (schema: unknown) => JSON.stringify(schema) !== '{"$ref":"#/components/schemas/HttpApiDecodeError"}'
  const withoutTheirs = JSON.parse(JSON.stringify(spec), (key, value: unknown) => {
    if (key !== "anyOf" || !Array.isArray(value)) return value
    return value.filter(isOurs)
  }) as OpenApi.OpenAPISpec
  return { ...withoutTheirs, components: { ...withoutTheirs.components, schemas } }
}

export class Api extends HttpApi.make("latchkey")
  .add(AccountGroup)
  .add(UsersGroup)
  .add(ClientsGroup)
  .add(ResourcesGroup)
  .add(GrantsGroup)
  .add(AuditGroup)
  .addError(ApiErrors.InvalidRequest)
  .addError(ApiErrors.TemporarilyUnavailable)
  .annotateContext(OpenApi.annotations({ title: "Latchkey", version: "1", description, transform })) {}

/** Where the API of an issuer lies. */
export const path = (issuer: Issuer.Issuer): `/${string}` => `${Issuer.path(issuer)}/api`

/** The API of an issuer. */
export const of = (issuer: Issuer.Issuer) => Api.prefix(path(issuer))

/** The API, where it lies. */
export type Placed = ReturnType<typeof of>
