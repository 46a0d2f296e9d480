/** The admin API: clients. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { AuthMethod, ClientId, ClientMetadata } from "../../domain/Client.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import { ClientView } from "../views/ClientView.js"
import { AdminGuard } from "./ApiGuards.js"
import { summary } from "./Operation.js"
import { After, Limit, Next } from "./Paging.js"
import * as Problems from "./Problems.js"

const Clients = Schema.Struct({ clients: Schema.Array(ClientView), next: Next }).annotations({ identifier: "Clients" })
export const NewClient = Schema.partial(Schema.encodedSchema(ClientMetadata.omit("software_statement"))).annotations({
  identifier: "NewClient",
  description:
    "The metadata of RFC 7591 §2, with its defaults. `scope` is the largest scope that the client may request."
})

const text = Schema.optional(Schema.NullOr(Schema.String))
const texts = Schema.optional(Schema.NullOr(Schema.Array(Schema.String)))
export const ClientChanges = Schema.Struct({
  redirect_uris: texts,
  token_endpoint_auth_method: Schema.optional(Schema.NullOr(AuthMethod)),
  grant_types: texts,
  response_types: texts,
  client_name: text,
  client_uri: text,
  logo_uri: text,
  tos_uri: text,
  policy_uri: text,
  contacts: texts,
  scope: text,
  software_id: text,
  software_version: text,
  application_type: text,
  jwks: Schema.optional(Schema.NullOr(Schema.Struct({ keys: Schema.Array(Schema.Unknown) }))),
  jwks_uri: text,
  token_endpoint_auth_signing_alg: text
} satisfies Record<Exclude<keyof ClientMetadata, "software_statement">, unknown>).annotations({
  identifier: "ClientChanges",
  description:
    "Members of RFC 7591 §2 that get a new value. A list is replaced as a whole, null removes a member, and the others stay."
})
export const NewApproval = Schema.Struct({
  resources: Schema.optionalWith(Schema.Array(ResourceIndicator), { default: () => [] })
}).annotations({
  identifier: "NewApproval",
  description: "Resources to which users grant the client access without a consent page."
})
const path = Schema.Struct({ client_id: ClientId })

export class ClientsGroup extends HttpApiGroup.make("clients")
  .add(
    HttpApiEndpoint.get("list", "/admin/clients")
      .setUrlParams(Schema.Struct({ after: After(ClientId), limit: Limit }))
      .addSuccess(Clients)
      .annotateContext(summary("List the clients, the oldest first."))
  )
  .add(
    HttpApiEndpoint.post("create", "/admin/clients")
      .setPayload(NewClient)
      .addError(Problems.RequestTooLarge)
      .addSuccess(ClientView, { status: 201 })
      .addError(Problems.InvalidClientMetadata)
      .addError(Problems.InvalidRedirectUri)
      .annotateContext(summary("Create a client. Only this response shows its secret."))
  )
  .add(
    HttpApiEndpoint.get("show", "/admin/clients/:client_id")
      .setPath(path)
      .addSuccess(ClientView)
      .addError(Problems.NotFound)
      .annotateContext(summary("Show a client."))
  )
  .add(
    HttpApiEndpoint.patch("update", "/admin/clients/:client_id")
      .setPath(path)
      .setPayload(ClientChanges)
      .addError(Problems.RequestTooLarge)
      .addSuccess(ClientView)
      .addError(Problems.InvalidClientMetadata)
      .addError(Problems.InvalidRedirectUri)
      .addError(Problems.NotFound)
      .addError(Problems.Conflict)
      .annotateContext(
        summary(
          "Change a client that the operator created. If it authenticates in another way then, everything issued to it is revoked."
        )
      )
  )
  .add(
    HttpApiEndpoint.post("approve", "/admin/clients/:client_id/approve")
      .setPath(path)
      .setPayload(NewApproval)
      .addError(Problems.RequestTooLarge)
      .addSuccess(ClientView)
      .addError(Problems.NotFound)
      .annotateContext(
        summary(
          "Approve a client that registered itself, or has a metadata document, so that it may ask users for access."
        )
      )
  )
  .add(
    HttpApiEndpoint.post("unapprove", "/admin/clients/:client_id/unapprove")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Withdraw the approval of a client. Its tokens stay valid."))
  )
  .add(
    HttpApiEndpoint.post("disable", "/admin/clients/:client_id/disable")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Disable a client. Everything issued to it stops working at once."))
  )
  .add(
    HttpApiEndpoint.post("enable", "/admin/clients/:client_id/enable")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Enable a client again."))
  )
  .add(
    HttpApiEndpoint.post("rotateSecret", "/admin/clients/:client_id/secret")
      .setPath(path)
      .addSuccess(ClientView)
      .addError(Problems.NotFound)
      .addError(Problems.Conflict)
      .annotateContext(
        summary("Give a client a new secret, which only this response shows. The old one stops working at once.")
      )
  )
  .add(
    HttpApiEndpoint.del("remove", "/admin/clients/:client_id")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Delete a client."))
  )
  .middleware(AdminGuard)
  .annotateContext(OpenApi.annotations({ title: "Clients", description: "The programs that request access." })) {}
