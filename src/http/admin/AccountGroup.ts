/** The account API: a person's own account, through a program that they allowed to. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { Subject } from "../../domain/Account.js"
import { ClientId } from "../../domain/Client.js"
import { RedirectUri } from "../../domain/RedirectUri.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import { SessionId } from "../../domain/Session.js"
import { ResourceScopesView } from "../views/GrantView.js"
import { AccountGuard } from "./Guards.js"
import { summary } from "./Paging.js"
import * as Problems from "./Problems.js"

const Me = Schema.Struct({
  subject: Subject,
  username: Schema.optional(Schema.String),
  created_at: Schema.optional(Schema.String),
  client_id: ClientId,
  scope: Schema.String,
  expires_at: Schema.String
}).annotations({ identifier: "Me", description: "Whose token it is, which client has it, and what it is good for." })

const App = Schema.Struct({
  client_id: ClientId,
  client_name: Schema.String,
  origin: Schema.Literal("Operator", "Dynamic"),
  scope: Schema.String,
  resources: Schema.Array(ResourceIndicator),
  granted: ResourceScopesView,
  redirect_uris: Schema.Array(RedirectUri).annotations({
    description: "The redirect targets that this person allowed; one of loopback stands for all ports."
  }),
  allowed_since: Schema.String.annotations({
    description: "The earliest time at which the client is known to have been allowed something."
  }),
  last_used_at: Schema.optional(Schema.String).annotations({
    description: "The time at which the client last got a token; missing where it is not known."
  }),
  updated_at: Schema.String
}).annotations({ identifier: "App", description: "What this person allows a client." })

const Login = Schema.Struct({
  id: SessionId,
  authenticated_at: Schema.String,
  browser: Schema.optional(Schema.String).annotations({
    description: 'The browser that logged in, as it names itself ("Firefox on Windows"); missing where it is not known.'
  }),
  network: Schema.optional(Schema.String).annotations({
    description: "The network of the login: an IPv4 address, or a /64 of IPv6; missing where it is not known."
  }),
  expires_at: Schema.String
}).annotations({ identifier: "Login", description: "A browser in which this person is logged in." })

const Apps = Schema.Struct({ apps: Schema.Array(App) }).annotations({ identifier: "Apps" })
const Logins = Schema.Struct({ sessions: Schema.Array(Login) }).annotations({ identifier: "Logins" })

export class AccountGroup extends HttpApiGroup.make("account")
  .add(HttpApiEndpoint.get("me", "/account").addSuccess(Me).annotateContext(summary("Who am I?")))
  .add(HttpApiEndpoint.get("apps", "/account/apps").addSuccess(Apps).annotateContext(summary("What did I allow?")))
  .add(
    HttpApiEndpoint.del("withdraw", "/account/apps/:client_id")
      .setPath(Schema.Struct({ client_id: ClientId }))
      .addError(Problems.NotFound)
      .annotateContext(summary("Withdraw what I allowed: all that the client was given for it is dead at once."))
  )
  .add(
    HttpApiEndpoint.get("sessions", "/account/sessions")
      .addSuccess(Logins)
      .annotateContext(summary("Where am I logged in?"))
  )
  .add(
    HttpApiEndpoint.del("endSession", "/account/sessions/:id")
      .setPath(Schema.Struct({ id: SessionId }))
      .addError(Problems.NotFound)
      .annotateContext(summary("Log out there."))
  )
  .middleware(AccountGuard)
  .annotateContext(OpenApi.annotations({ title: "Account", description: "A person's own account." })) {}
