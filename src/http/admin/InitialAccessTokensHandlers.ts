/** The handlers of the admin API for initial access tokens. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { InitialAccessTokens } from "../../services/clients/InitialAccessTokens.js"
import * as InitialAccessTokenView from "../views/InitialAccessTokenView.js"
import type * as Api from "./Api.js"
import { NewInitialAccessToken } from "./InitialAccessTokensGroup.js"
import { next } from "./Paging.js"
import * as Payload from "./Payload.js"
import { orNoSuch } from "./Problems.js"

export const layer = (api: Api.Placed) =>
  HttpApiBuilder.group(api, "initialAccessTokens", (handlers) =>
    Effect.map(InitialAccessTokens, (tokens) =>
      handlers
        .handle("list", ({ urlParams: { after, limit } }) =>
          Effect.map(tokens.list({ after, limit }), (rows) => ({
            initial_access_tokens: rows.map((token) => InitialAccessTokenView.fromToken(token)),
            ...next(rows, limit, ({ id }) => id)
          }))
        )
        .handleRaw("create", ({ request }) =>
          Effect.gen(function* () {
            const { expires_in, label, max_uses } = yield* Payload.read(request, NewInitialAccessToken)
            const lifetime = expires_in === undefined ? undefined : Duration.seconds(expires_in)
            const { secret, token } = yield* tokens.create({ label, lifetime, maxUses: max_uses })
            return InitialAccessTokenView.fromToken(token, Option.some(secret))
          })
        )
        .handle("revoke", ({ path }) => orNoSuch("initial access token", tokens.revoke(path.id)))
    )
  )
