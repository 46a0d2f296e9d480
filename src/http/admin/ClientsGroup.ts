/** The admin API: clients. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { AuthMethod, ClientId, ClientMetadata } from "../../domain/Client.js"
import { ClientView } from "../views/ClientView.js"
import { AdminGuard } from "./Guards.js"
import { summary } from "./Paging.js"
import * as Problems from "./Problems.js"

const Clients = Schema.Struct({ clients: Schema.Array(ClientView) }).annotations({ identifier: "Clients" })
export const NewClient = Schema.partial(Schema.encodedSchema(ClientMetadata)).annotations({
  identifier: "NewClient",
  description: "The metadata of RFC 7591 §2, with its defaults; scope is all that the client may ever ask for."
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
  application_type: text
} satisfies Record<keyof ClientMetadata, unknown>).annotations({
  identifier: "ClientChanges",
  description:
    "Members of RFC 7591 §2 that get a new value: a list is replaced as a whole, null removes a member, and the others stay."
})
const path = Schema.Struct({ client_id: ClientId })

export class ClientsGroup extends HttpApiGroup.make("clients")
  .add(
    HttpApiEndpoint.get("list", "/admin/clients")
      .addSuccess(Clients)
      .annotateContext(summary("The clients, the oldest first."))
  )
  .add(
    HttpApiEndpoint.post("create", "/admin/clients")
      .setPayload(NewClient)
      .addError(Problems.RequestTooLarge)
      .addSuccess(ClientView, { status: 201 })
      .addError(Problems.InvalidClientMetadata)
      .addError(Problems.InvalidRedirectUri)
      .annotateContext(summary("Register a client; its secret is shown this once."))
  )
  .add(
    HttpApiEndpoint.get("show", "/admin/clients/:client_id")
      .setPath(path)
      .addSuccess(ClientView)
      .addError(Problems.NotFound)
      .annotateContext(summary("A client."))
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
          "Change a client that the operator made. One that begins or ceases to keep a secret loses all that was issued to it."
        )
      )
  )
  .add(
    HttpApiEndpoint.post("disable", "/admin/clients/:client_id/disable")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Shut a client out: whatever was issued to it is dead at once."))
  )
  .add(
    HttpApiEndpoint.post("enable", "/admin/clients/:client_id/enable")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Let a client in again."))
  )
  .add(
    HttpApiEndpoint.post("rotateSecret", "/admin/clients/:client_id/secret")
      .setPath(path)
      .addSuccess(ClientView)
      .addError(Problems.NotFound)
      .addError(Problems.Conflict)
      .annotateContext(summary("Give a client a new secret, shown this once; the old one is dead at once."))
  )
  .add(
    HttpApiEndpoint.del("remove", "/admin/clients/:client_id")
      .setPath(path)
      .addError(Problems.NotFound)
      .annotateContext(summary("Delete a client for good."))
  )
  .middleware(AdminGuard)
  .annotateContext(OpenApi.annotations({ title: "Clients", description: "The programs that ask for access." })) {}
