/** The root of a launched server: what this is, what it guards, and who is logged in or how to log in. */
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
  /** How the first account is made, in a sentence that any stranger may read. */
  readonly firstAccountHint: string
}

const get = ({ firstAccountHint }: Options) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { issuer } = yield* ServerSettings
    const first = yield* FirstAccount
    const owner = yield* ResourceOwner
    // A person whom the operator locked out may read this page as any stranger may.
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
 * Serves the page. Where the issuer has a path, the same path with a slash behind it and the root of the host lead there.
 * It is for a server of one's own: in an app, the root is the app's.
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
