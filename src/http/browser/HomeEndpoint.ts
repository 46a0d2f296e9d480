/** The home page of a launched server: its resources, and the user who is logged in or the way to log in. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Issuer from "../../domain/Issuer.js"
import * as Resource from "../../domain/Resource.js"
import { FirstAccount } from "../../services/accounts/FirstAccount.js"
import { Resources } from "../../services/resources/Resources.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as MetadataEndpoint from "../oauth/MetadataEndpoint.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Page from "../wire/Page.js"
import { ResourceOwner } from "./ResourceOwner.js"
import * as Visitor from "./Visitor.js"

export interface Options {
  /** A public sentence that says how the first account is created. */
  readonly firstAccountHint: string
}

const get = ({ firstAccountHint }: Options) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { issuer } = yield* ServerSettings
    const first = yield* FirstAccount
    const owner = yield* ResourceOwner
    // A user whose account is disabled sees this page like an unknown user.
    const visitor = yield* Effect.catchTag(Visitor.loggedIn(request), "AccessDenied", () => Effect.succeedNone)
    const resources = Resource.listed(yield* (yield* Resources).all)
    const [metadataPath = ""] = MetadataEndpoint.paths(issuer)
    return yield* Page.page("homePage", {
      issuer,
      accountsExist: Option.isNone(yield* first.token),
      firstAccountHint,
      resources: resources.map(({ name, uri }) => ({ name: name ?? uri, uri })),
      metadataUrl: `${Issuer.origin(issuer)}${metadataPath}`,
      username: Option.getOrUndefined(Option.map(visitor, ({ displayName }) => displayName)),
      accountUrl: `${Issuer.path(issuer)}/account`,
      logoutUrl: owner._tag === "External" ? owner.logoutUrl : `${Issuer.path(issuer)}/logout`
    })
  })

/**
 * Serves the page. If the issuer has a path, that path with a final slash and the root of the host redirect to it. It is for a
 * standalone server: in an app, the root is the app's.
 */
export const layer = (options: Options) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { issuer } = yield* ServerSettings
      const renderError = yield* Page.errors
      const path = Issuer.path(issuer)
      yield* Endpoint.add({ path: path || "/", cors: false, isPage: true, renderError, GET: get(options) })
      if (path === "") return
      const toHome = Effect.succeed(Page.seeOther(issuer, issuer))
      for (const other of [`${path}/` as const, "/"] as const) {
        yield* Endpoint.add({ path: other, cors: false, isPage: true, renderError, GET: toHome })
      }
    })
  )
