/** The kinds of tokens that a guard accepts: those of users, or those that clients get for themselves (RFC 6749 §4.4). */
import * as Effect from "effect/Effect"
import { InsufficientScope } from "../../domain/OAuthError.js"
import type { Settings } from "../../domain/Settings.js"
import type { Access } from "../../services/tokens/CurrentAccess.js"
import * as OncePerServer from "../wire/OncePerServer.js"

type Principal = Access["principal"]

/** The kinds of tokens, for descriptions. */
const tokensOf = { User: "tokens of users", Client: "tokens that clients get for themselves" } as const

/** A guard that accepts some kinds. */
export interface Options {
  /** The name of the guard with its scopes, for messages. */
  readonly guard: string
  readonly accepted: ReadonlyArray<Principal>
  /** The scopes that every request needs. */
  readonly scopes: ReadonlyArray<string>
  readonly uri: string
  /** Whether the app cannot change the option, so that no log line advises it to. */
  readonly isFixed: boolean
}

/** Makes the refusals of the other kinds. */
export const make = ({ accepted, guard, isFixed, scopes, uri }: Options, settings: Settings) => {
  /** Logs the option that accepts such tokens, for the author of the app. The caller learns only that they are refused. */
  const log = (principal: Principal): Effect.Effect<void> =>
    Effect.annotateLogs(
      Effect.logWarning(
        `access token refused: ${guard} accepts only ${accepted.map((one) => tokensOf[one]).join(" and ")}${
          isFixed
            ? ""
            : `; its option principals: ${JSON.stringify([...accepted, principal])} accepts ${tokensOf[principal]} too`
        }`
      ),
      { resource: uri, principal }
    )
  const refusalOf = (principal: Principal) => ({
    principal,
    once: OncePerServer.make(),
    error: new InsufficientScope({
      reason: "WrongPrincipal",
      description: `${tokensOf[principal]} are not accepted here`,
      required: scopes
    })
  })
  const refusals = { User: refusalOf("User"), Client: refusalOf("Client") }

  return {
    /** Returns why a kind is refused; `undefined` if it is accepted. */
    objection: (principal: Principal): InsufficientScope | undefined =>
      accepted.includes(principal) ? undefined : refusals[principal].error,
    /** Logs an error of `objection`, once for each kind; does nothing for every other error. */
    warn: (error: InsufficientScope): Effect.Effect<void> => {
      const refusal = Object.values(refusals).find((refusal) => refusal.error === error)
      return refusal === undefined ? Effect.void : refusal.once(settings, log(refusal.principal))
    }
  }
}
