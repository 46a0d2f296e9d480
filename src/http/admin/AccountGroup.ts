/** The account API: the account of a user, for a program that the user allowed. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { Subject } from "../../domain/Account.js"
import { ClientId, Origin } from "../../domain/Client.js"
import { GrantId } from "../../domain/Grant.js"
import { RedirectUri } from "../../domain/RedirectUri.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import { SessionId } from "../../domain/Session.js"
import { ResourceScopesView } from "../views/GrantView.js"
import { AccountGuard } from "./ApiGuards.js"
import { summary } from "./Operation.js"
import * as Problems from "./Problems.js"

const Me = Schema.Struct({
  subject: Subject,
  username: Schema.optional(Schema.String),
  created_at: Schema.optional(Schema.String),
  client_id: ClientId,
  scope: Schema.String,
  expires_at: Schema.String
}).annotations({ identifier: "Me", description: "The user and the client of the access token, and its scope." })

const Installation = Schema.Struct({
  grant_id: GrantId,
  client_name: Schema.String,
  allowed_at: Schema.String,
  last_used_at: Schema.optional(Schema.String),
  browser: Schema.optional(Schema.String),
  network: Schema.optional(Schema.String)
}).annotations({
  identifier: "Installation",
  description: "An installation of an app that has a metadata document: one grant, and where the user allowed it."
})

const App = Schema.Struct({
  client_id: ClientId,
  client_name: Schema.String,
  origin: Origin,
  scope: Schema.String,
  resources: Schema.Array(ResourceIndicator),
  granted: ResourceScopesView,
  redirect_uris: Schema.Array(RedirectUri).annotations({
    description: "The redirect targets that the user allowed. A loopback target includes all ports."
  }),
  allowed_since: Schema.String.annotations({
    description: "The earliest time of a known consent for the client."
  }),
  last_used_at: Schema.optional(Schema.String).annotations({
    description: "The time at which the client last got a token; missing if it is not known."
  }),
  installations: Schema.Array(Installation),
  updated_at: Schema.String
}).annotations({ identifier: "App", description: "The consent of the user for a client." })

const Login = Schema.Struct({
  id: SessionId,
  authenticated_at: Schema.String,
  browser: Schema.optional(Schema.String).annotations({
    description: 'The browser that logged in, by its own name ("Firefox on Windows"); missing if it is not known.'
  }),
  network: Schema.optional(Schema.String).annotations({
    description: "The network of the login: an IPv4 address, or a /64 of IPv6; missing if it is not known."
  }),
  expires_at: Schema.String
}).annotations({ identifier: "Login", description: "A browser in which the user is logged in." })

const Apps = Schema.Struct({ apps: Schema.Array(App) }).annotations({ identifier: "Apps" })
const Logins = Schema.Struct({ sessions: Schema.Array(Login) }).annotations({ identifier: "Logins" })

export class AccountGroup extends HttpApiGroup.make("account")
  .add(
    HttpApiEndpoint.get("me", "/account")
      .addSuccess(Me)
      .annotateContext(summary("Show the user and the client of the access token."))
  )
  .add(
    HttpApiEndpoint.get("apps", "/account/apps")
      .addSuccess(Apps)
      .annotateContext(summary("List the apps that the user allowed."))
  )
  .add(
    HttpApiEndpoint.del("withdraw", "/account/apps/:client_id")
      .setPath(Schema.Struct({ client_id: ClientId }))
      .addError(Problems.NotFound)
      .annotateContext(summary("Withdraw the consent for an app. Its tokens stop working at once."))
  )
  .add(
    HttpApiEndpoint.del("removeInstallation", "/account/installations/:grant_id")
      .setPath(Schema.Struct({ grant_id: GrantId }))
      .addError(Problems.NotFound)
      .annotateContext(
        summary("Remove the access of one installation of an app. The last one also ends the consent for the app.")
      )
  )
  .add(
    HttpApiEndpoint.get("sessions", "/account/sessions")
      .addSuccess(Logins)
      .annotateContext(summary("List the sessions of the user."))
  )
  .add(
    HttpApiEndpoint.del("endSession", "/account/sessions/:id")
      .setPath(Schema.Struct({ id: SessionId }))
      .addError(Problems.NotFound)
      .annotateContext(summary("End a session."))
  )
  .middleware(AccountGuard)
  .annotateContext(OpenApi.annotations({ title: "Account", description: "The account of the user." })) {}
