/** The admin API: protected resources. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { ResourceIndicator, Sentence } from "../../domain/Resource.js"
import { ScopeToken } from "../../domain/Scope.js"
import { ResourceView } from "../views/ResourceView.js"
import { AdminGuard } from "./ApiGuards.js"
import { summary } from "./Operation.js"
import * as Problems from "./Problems.js"

const Resources = Schema.Struct({ resources: Schema.Array(ResourceView) }).annotations({ identifier: "Resources" })
export const NewResource = Schema.Struct({
  uri: ResourceIndicator,
  name: Schema.optional(Sentence),
  scopes: Schema.Record({ key: ScopeToken, value: Sentence }).annotations({
    description: "The scopes of the resource, each with the sentence that users read on the consent page."
  }),
  implies: Schema.optional(Schema.Record({ key: ScopeToken, value: Schema.Array(ScopeToken) })).annotations({
    description:
      "The scopes that imply others: each with those that it implies. All of them are scopes of the resource."
  }),
  introspects: Schema.optionalWith(Schema.Boolean, { default: () => false }).annotations({
    description: "Whether the resource server introspects tokens (RFC 7662), and gets a secret for it."
  })
}).annotations({ identifier: "NewResource" })

export class ResourcesGroup extends HttpApiGroup.make("resources")
  .add(
    HttpApiEndpoint.get("list", "/admin/resources")
      .addSuccess(Resources)
      .annotateContext(
        summary("List the resources that the operator created. Resources of the settings are not among them.")
      )
  )
  .add(
    HttpApiEndpoint.post("create", "/admin/resources")
      .setPayload(NewResource)
      .addError(Problems.RequestTooLarge)
      .addSuccess(ResourceView, { status: 201 })
      .addError(Problems.Conflict)
      .annotateContext(summary("Create a resource. Only this response shows the secret of its server."))
  )
  .add(
    HttpApiEndpoint.del("remove", "/admin/resources")
      .setUrlParams(Schema.Struct({ uri: Schema.String }))
      .addError(Problems.NotFound)
      .annotateContext(summary("Delete a resource. The server issues no more tokens for it."))
  )
  .middleware(AdminGuard)
  .annotateContext(
    OpenApi.annotations({
      title: "Resources",
      description: "The APIs and MCP servers that accept tokens of this server."
    })
  ) {}
