/** The admin API: protected resources. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { ResourceIndicator, Sentence } from "../../domain/Resource.js"
import { ScopeToken } from "../../domain/Scope.js"
import { ResourceView } from "../views/ResourceView.js"
import { AdminGuard } from "./Guards.js"
import { summary } from "./Paging.js"
import * as Problems from "./Problems.js"

const Resources = Schema.Struct({ resources: Schema.Array(ResourceView) }).annotations({ identifier: "Resources" })
export const NewResource = Schema.Struct({
  uri: ResourceIndicator,
  name: Schema.optional(Sentence),
  scopes: Schema.Record({ key: ScopeToken, value: Sentence }).annotations({
    description: "What it can be used for, and the sentence that people read before they allow it."
  }),
  introspects: Schema.optionalWith(Schema.Boolean, { default: () => false }).annotations({
    description: "Its server asks about the tokens that it is sent (RFC 7662), and gets a secret for it."
  })
}).annotations({ identifier: "NewResource" })

export class ResourcesGroup extends HttpApiGroup.make("resources")
  .add(
    HttpApiEndpoint.get("list", "/admin/resources")
      .addSuccess(Resources)
      .annotateContext(summary("The resources that the operator made; what an app guards itself is not among them."))
  )
  .add(
    HttpApiEndpoint.post("create", "/admin/resources")
      .setPayload(NewResource)
      .addError(Problems.RequestTooLarge)
      .addSuccess(ResourceView, { status: 201 })
      .addError(Problems.Conflict)
      .annotateContext(summary("Make a resource; its server's secret is shown this once."))
  )
  .add(
    HttpApiEndpoint.del("remove", "/admin/resources")
      .setUrlParams(Schema.Struct({ uri: Schema.String }))
      .addError(Problems.NotFound)
      .annotateContext(summary("Delete a resource: no more tokens are issued for it."))
  )
  .middleware(AdminGuard)
  .annotateContext(OpenApi.annotations({ title: "Resources", description: "What the server guards." })) {}
