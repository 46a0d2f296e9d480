/** The admin API: initial access tokens. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { InitialAccessTokenId } from "../../domain/InitialAccessToken.js"
import { Sentence } from "../../domain/Resource.js"
import { InitialAccessTokenView } from "../views/InitialAccessTokenView.js"
import { AdminGuard } from "./ApiGuards.js"
import { summary } from "./Operation.js"
import { Limit, Next } from "./Paging.js"
import * as Problems from "./Problems.js"

const InitialAccessTokens = Schema.Struct({
  initial_access_tokens: Schema.Array(InitialAccessTokenView),
  next: Next
}).annotations({ identifier: "InitialAccessTokens" })

/** Maximum lifetime of a token in seconds: a hundred years. */
const maxLifetime = 3_155_760_000

export const NewInitialAccessToken = Schema.Struct({
  label: Schema.optional(Sentence),
  expires_in: Schema.optional(
    Schema.Int.pipe(Schema.between(1, maxLifetime)).annotations({
      description: "Lifetime in seconds. Without it the token does not expire."
    })
  ),
  max_uses: Schema.optional(
    Schema.Int.pipe(Schema.positive()).annotations({
      description: "Maximum number of registrations. Without it there is no maximum."
    })
  )
}).annotations({ identifier: "NewInitialAccessToken" })

export class InitialAccessTokensGroup extends HttpApiGroup.make("initialAccessTokens")
  .add(
    HttpApiEndpoint.get("list", "/admin/initial-access-tokens")
      .setUrlParams(Schema.Struct({ after: Schema.optional(InitialAccessTokenId), limit: Limit }))
      .addSuccess(InitialAccessTokens)
      .annotateContext(summary("List the initial access tokens, the oldest first, without their secrets."))
  )
  .add(
    HttpApiEndpoint.post("create", "/admin/initial-access-tokens")
      .setPayload(NewInitialAccessToken)
      .addError(Problems.RequestTooLarge)
      .addSuccess(InitialAccessTokenView, { status: 201 })
      .annotateContext(summary("Create an initial access token. Only this response shows its secret."))
  )
  .add(
    HttpApiEndpoint.del("revoke", "/admin/initial-access-tokens/:id")
      .setPath(Schema.Struct({ id: InitialAccessTokenId }))
      .addError(Problems.NotFound)
      .annotateContext(summary("Revoke an initial access token. Clients that registered with it stay."))
  )
  .middleware(AdminGuard)
  .annotateContext(
    OpenApi.annotations({
      title: "Initial access tokens",
      description: "Tokens with which clients register (RFC 7591 §3)."
    })
  ) {}
