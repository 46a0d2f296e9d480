/** The admin API: events and keys. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { Subject } from "../../domain/Account.js"
import { ClientId } from "../../domain/Client.js"
import { GrantId } from "../../domain/Grant.js"
import * as Identifier from "../../domain/Identifier.js"
import { EventView } from "../views/EventView.js"
import { AdminGuard } from "./ApiGuards.js"
import { summary } from "./Operation.js"
import { Limit, Next } from "./Paging.js"

const Events = Schema.Struct({ events: Schema.Array(EventView), next: Next }).annotations({ identifier: "Events" })
const Key = Schema.Struct({
  id: Schema.String,
  state: Schema.String,
  created_at: Schema.String
}).annotations({ identifier: "Key", description: "A root key: its id and its state, without the key." })
const Keys = Schema.Struct({ keys: Schema.Array(Key) }).annotations({ identifier: "Keys" })

export class AuditGroup extends HttpApiGroup.make("audit")
  .add(
    HttpApiEndpoint.get("events", "/admin/events")
      .setUrlParams(
        Schema.Struct({
          user: Schema.optional(Subject),
          client: Schema.optional(ClientId),
          grant: Schema.optional(GrantId),
          request: Schema.optional(Schema.String.pipe(Schema.maxLength(200))),
          after: Schema.optional(Schema.String.pipe(Schema.pattern(Identifier.pattern))),
          limit: Limit
        })
      )
      .addSuccess(Events)
      .annotateContext(summary("List the events of accounts, clients, grants and keys, the oldest first."))
  )
  .add(
    HttpApiEndpoint.get("keys", "/admin/keys")
      .addSuccess(Keys)
      .annotateContext(summary("List the root keys, without the keys themselves."))
  )
  .middleware(AdminGuard)
  .annotateContext(OpenApi.annotations({ title: "Audit", description: "Events and keys." })) {}
