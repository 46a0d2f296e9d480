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
import { AdminGuard } from "./Guards.js"
import { Limit, Next, summary } from "./Paging.js"
import * as Problems from "./Problems.js"

const Grants = Schema.Struct({ grants: Schema.Array(GrantView), next: Next }).annotations({ identifier: "Grants" })
const GrantAndStory = Schema.Struct({ ...GrantView.fields, story: Schema.Array(HistoryEntryView) }).annotations({
  identifier: "GrantAndStory",
  description: "A grant, and all that happened to it, in order."
})
export const Whose = Schema.Struct({
  user: Schema.optional(Subject),
  client: Schema.optional(ClientId)
}).annotations({ identifier: "Whose", description: "A user, a client, or one pair of them." })
const Revoked = Schema.Struct({
  revoked: Schema.Number.annotations({ description: "Number of grants that this request revoked." })
}).annotations({ identifier: "Revoked" })

export class GrantsGroup extends HttpApiGroup.make("grants")
  .add(
    HttpApiEndpoint.get("list", "/admin/grants")
      .setUrlParams(Schema.Struct({ ...Whose.fields, after: Schema.optional(GrantId), limit: Limit }))
      .addSuccess(Grants)
      .annotateContext(summary("The grants, the oldest first."))
  )
  .add(
    HttpApiEndpoint.get("show", "/admin/grants/:id")
      .setPath(Schema.Struct({ id: GrantId }))
      .addSuccess(GrantAndStory)
      .addError(Problems.NotFound)
      .annotateContext(summary('A grant, and the answer to "why was I logged out?".'))
  )
  .add(
    HttpApiEndpoint.post("revoke", "/admin/grants/:id/revoke")
      .setPath(Schema.Struct({ id: GrantId }))
      .addSuccess(Revoked)
      .addError(Problems.NotFound)
      .annotateContext(summary("Revoke a grant: its tokens stop working at once. The consent stays."))
  )
  .add(
    HttpApiEndpoint.post("revokeAll", "/admin/grants/revoke")
      .setPayload(Whose)
      .addError(Problems.RequestTooLarge)
      .addSuccess(Revoked)
      .annotateContext(
        summary(
          "Revoke the grants of a user, of a client, or of one pair of them: their tokens stop working at once, and consents are withdrawn, so people are asked again. With a client alone, the tokens that it got for itself end, too."
        )
      )
  )
  .middleware(AdminGuard)
  .annotateContext(
    OpenApi.annotations({ title: "Grants", description: "What people allowed which clients, and what became of it." })
  ) {}
