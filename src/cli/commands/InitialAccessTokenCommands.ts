/** `latchkey initial-access-token`: tokens with which clients register (RFC 7591 §3). */
import * as Args from "@effect/cli/Args"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as InitialAccessToken from "../../domain/InitialAccessToken.js"
import * as InitialAccessTokenView from "../../http/views/InitialAccessTokenView.js"
import { InitialAccessTokens } from "../../services/clients/InitialAccessTokens.js"
import * as Lists from "../../services/stores/Lists.js"
import * as Durations from "../settings/Durations.js"
import { badUsage, impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import { json, parsed } from "./CommandOptions.js"
import * as Listing from "./Listing.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

/** Maximum lifetime of a token: a hundred years. */
const maxLifetime = Duration.days(36_525)

const parseLabel = (text: string) => Lookup.sentence(text, "--label")

const parseLifetime = (text: string) =>
  Option.match(
    Option.filter(Schema.decodeOption(Durations.DurationText)(text), (lifetime) =>
      Duration.between(lifetime, { minimum: Duration.seconds(1), maximum: maxLifetime })
    ),
    {
      onNone: () => badUsage('--expires-in: give a duration of at least a second, such as "7 days"'),
      onSome: Effect.succeed
    }
  )

const parseMaxUses = (text: string) =>
  /^[1-9][0-9]{0,8}$/.test(text)
    ? Effect.succeed(Number(text))
    : badUsage("--max-uses: give a whole number of at least 1")

const options = {
  label: parsed("label", "TEXT", "Text by which you recognise the token, such as the name of its holder", parseLabel),
  lifetime: parsed("expires-in", "DURATION", 'Lifetime, such as "7 days" (default: it does not expire)', parseLifetime),
  maxUses: parsed("max-uses", "NUMBER", "Maximum number of registrations (default: no maximum)", parseMaxUses),
  json
}

const usesOf = ({ maxUses, uses }: InitialAccessToken.InitialAccessToken): string =>
  Option.match(maxUses, { onNone: () => `${uses} uses`, onSome: (maxUses) => `${uses} of ${maxUses} uses` })

const endOf = (token: InitialAccessToken.InitialAccessToken, now: DateTime.Utc): string => {
  if (InitialAccessToken.standing(token, now) === "UsedUp") return "used up"
  return Option.match(token.expiresAt, {
    onNone: () => "does not expire",
    onSome: (at) => `${DateTime.lessThanOrEqualTo(at, now) ? "expired" : "expires"} ${Output.instant(at)}`
  })
}

export const create = WithServices.command(
  "create",
  "Create an initial access token. It is shown once. A client that sends it as the bearer token of its registration is registered, and is not counted among the unused clients of strangers",
  options,
  ({ json, label, lifetime, maxUses }, { issuer }) =>
    Effect.gen(function* () {
      const { secret, token } = yield* (yield* InitialAccessTokens).create({
        label: Option.getOrUndefined(label),
        lifetime: Option.getOrUndefined(lifetime),
        maxUses: Option.getOrUndefined(maxUses)
      })
      const rows: ReadonlyArray<readonly [string, string]> = [
        ["id", token.id],
        ["token", `${Redacted.value(secret)}  (shown only once)`],
        ["uses", usesOf(token)],
        ["end", endOf(token, token.createdAt)]
      ]
      yield* Output.result(
        json,
        InitialAccessTokenView.fromToken(token, Option.some(secret)),
        `The initial access token is created. Clients register with it at ${issuer}/register\n\n${Output.table(rows)}`
      )
    })
)

export const list = WithServices.command(
  "list",
  "List the initial access tokens, oldest first, without the tokens themselves. A token is deleted a week after its end",
  { json },
  ({ json }, { issuer }) =>
    Effect.flatMap(DateTime.now, (now) =>
      Listing.print(json, Lists.initialAccessTokens, {
        toObject: (token) => InitialAccessTokenView.fromToken(token),
        toLine: (token) =>
          [
            DateTime.formatIso(token.createdAt),
            token.id,
            usesOf(token),
            endOf(token, now),
            ...Option.toArray(Option.map(token.label, Output.printable))
          ].join("  "),
        empty: `there is no initial access token at ${issuer}`
      })
    )
)

const id = Args.text({ name: "ID" }).pipe(
  Args.withDescription("Id of the token, as latchkey initial-access-token list shows it")
)

export const revoke = WithServices.command(
  "revoke",
  "Revoke an initial access token. Clients that registered with it stay",
  { id },
  ({ id }) =>
    Effect.gen(function* () {
      const found = Schema.decodeOption(InitialAccessToken.InitialAccessTokenId)(id)
      const isRevoked = Option.isSome(found) && (yield* (yield* InitialAccessTokens).revoke(found.value))
      if (!isRevoked) return yield* impossible(`there is no initial access token ${Output.printable(id)}`)
      yield* Output.print(`The initial access token ${id} is revoked: no client can register with it any more`)
    })
)
