/** The root of a launched server: what this is, what it guards, and whether anybody can log in yet. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Issuer from "../domain/Issuer.js"
import { FirstAccount } from "../services/FirstAccount.js"
import { ServerSettings } from "../services/ServerSettings.js"
import * as Endpoint from "./Endpoint.js"
import * as MetadataEndpoint from "./MetadataEndpoint.js"
import * as Page from "./Page.js"

export interface Options {
  /** How the first account is made, in a sentence that any stranger may read. */
  readonly firstAccountHint: string
}

const get = ({ firstAccountHint }: Options) =>
  Effect.gen(function* () {
    const { issuer, resources } = yield* ServerSettings
    const first = yield* FirstAccount
    const [metadataPath = ""] = MetadataEndpoint.paths(issuer)
    return yield* Page.page("homePage", {
      issuer,
      accountsExist: Option.isNone(yield* first.token),
      firstAccountHint,
      resources: resources.map(({ name, uri }) => ({ name: name ?? uri, uri })),
      metadataUrl: `${Issuer.origin(issuer)}${metadataPath}`,
      logoutUrl: `${Issuer.path(issuer)}/logout`
    })
  })

/** Serves the page. It is for a server of one's own: in an app, the root is the app's. */
export const layer = (options: Options) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { issuer } = yield* ServerSettings
      yield* Endpoint.add({
        path: Issuer.path(issuer) || "/",
        cors: false,
        renderError: yield* Page.errors,
        GET: get(options)
      })
    })
  )
