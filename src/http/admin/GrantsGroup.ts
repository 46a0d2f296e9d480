/** The admin API: grants. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { Subject } from "../../domain/Account.js"
import { ClientId } from "../../domain/Client.js"
import { GrantId } from "../../domain/Grant.js"
import { HistoryEntryView } from "../views/EventView.js"
import { GrantView } from "../views/GrantView.js"
import { AdminGuard } from "./ApiGuards.js"
import { summary } from "./Operation.js"
import { Limit, Next } from "./Paging.js"
import * as Problems from "./Problems.js"

const Grants = Schema.Struct({ grants: Schema.Array(GrantView), next: Next }).annotations({ identifier: "Grants" })
const GrantWithHistory = Schema.Struct({ ...GrantView.fields, story: Schema.Array(HistoryEntryView) }).annotations({
  identifier: "GrantWithHistory",
  description: "A grant and its history, the oldest entry first."
})
export const GrantFilter = Schema.Struct({
  user: Schema.optional(Subject),
  client: Schema.optional(ClientId)
}).annotations({ identifier: "GrantFilter", description: "A user, a client, or both." })
const Revoked = Schema.Struct({
  revoked: Schema.Number.annotations({ description: "Number of grants that this request revoked." })
}).annotations({ identifier: "Revoked" })

export class GrantsGroup extends HttpApiGroup.make("grants")
  .add(
    HttpApiEndpoint.get("list", "/admin/grants")
      .setUrlParams(Schema.Struct({ ...GrantFilter.fields, after: Schema.optional(GrantId), limit: Limit }))
      .addSuccess(Grants)
      .annotateContext(summary("List the grants, the oldest first."))
  )
  .add(
    HttpApiEndpoint.get("show", "/admin/grants/:id")
      .setPath(Schema.Struct({ id: GrantId }))
      .addSuccess(GrantWithHistory)
      .addError(Problems.NotFound)
      .annotateContext(summary("Show a grant and its history. The history of an ended grant has the reason."))
  )
  .add(
    HttpApiEndpoint.post("revoke", "/admin/grants/:id/revoke")
      .setPath(Schema.Struct({ id: GrantId }))
      .addSuccess(Revoked)
      .addError(Problems.NotFound)
      .annotateContext(summary("Revoke a grant. Its tokens stop working at once. The consent stays."))
  )
  .add(
    HttpApiEndpoint.post("revokeAll", "/admin/grants/revoke")
      .setPayload(GrantFilter)
      .addError(Problems.RequestTooLarge)
      .addSuccess(Revoked)
      .annotateContext(
        summary(
          "Revoke the grants of a user, of a client, or of both. Their tokens stop working at once. The consents are withdrawn too, so the server shows the consent page again. If the filter has only a client, this also revokes the tokens that the client got with client_credentials."
        )
      )
  )
  .middleware(AdminGuard)
  .annotateContext(
    OpenApi.annotations({
      title: "Grants",
      description: "The authorizations that users gave clients, and their status."
    })
  ) {}
