/**
 * The grant types of the token endpoint (RFC 6749 §1.3, §4.5): each registers itself by its layer, and shows up in the
 * metadata by being there.
 *
 * @example
 * const Device = GrantTypes.layer({
 *   grantType: "urn:ietf:params:oauth:grant-type:device_code",
 *   parameters: Schema.Struct({ device_code: Schema.String }),
 *   handle: ({ device_code }, client) => …
 * })
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { Client } from "../domain/Client.js"
import type {
  InvalidGrant,
  InvalidScope,
  InvalidTarget,
  TemporarilyUnavailable,
  UnauthorizedClient
} from "../domain/OAuthError.js"
import { type InvalidRequest, UnsupportedGrantType } from "../domain/OAuthError.js"
import * as Parameters from "../domain/Parameters.js"
import type { TokenResponse } from "../domain/TokenResponse.js"

/** The errors in which a grant may end. */
export type GrantError =
  | InvalidRequest
  | InvalidGrant
  | InvalidScope
  | InvalidTarget
  | UnauthorizedClient
  | TemporarilyUnavailable

/** The parameters of a token request as a grant's schema reads them: `resource` alone may be repeated (RFC 8707 §2). */
export type EncodedParameters = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** Where a token request comes from. */
export interface Caller {
  /** The narrowest network that is known: an IPv4 address, or a /64 of IPv6. `None` where the address is not known. */
  readonly network: Option.Option<string>
}

/** A grant type: its name, what its requests hold, and what answers them. */
export interface GrantType<A, I extends EncodedParameters, R> {
  readonly grantType: string
  readonly parameters: Schema.Schema<A, I>
  /** The client has proved who it is, and has registered this grant type. */
  readonly handle: (parameters: A, client: Client, caller: Caller) => Effect.Effect<TokenResponse, GrantError, R>
}

/** A registered grant type, behind its parameters. */
export interface Handler {
  readonly grantType: string
  readonly handle: (
    parameters: Parameters.Parameters,
    client: Client,
    caller: Caller
  ) => Effect.Effect<TokenResponse, GrantError>
}

export class GrantTypes extends Context.Tag("latchkey/GrantTypes")<
  GrantTypes,
  {
    /** Adds a grant type; one of the same name takes the place of an earlier one. */
    readonly register: (handler: Handler) => Effect.Effect<void>
    readonly find: (grantType: string) => Effect.Effect<Handler, UnsupportedGrantType>
    /** The names of what is registered now. */
    readonly names: Effect.Effect<ReadonlyArray<string>>
  }
>() {}

/** An empty registry. */
export const layerEmpty = Layer.sync(GrantTypes, () => {
  const handlers = new Map<string, Handler>()
  return GrantTypes.of({
    register: (handler) => Effect.sync(() => void handlers.set(handler.grantType, handler)),
    find: (grantType) => {
      const handler = handlers.get(grantType)
      return handler === undefined
        ? new UnsupportedGrantType({ reason: "UnknownGrantType", description: "there is no such grant type here" })
        : Effect.succeed(handler)
    },
    names: Effect.sync(() => Array.from(handlers.keys()))
  })
})

/** Registers a grant type; what its handler needs is needed by the layer. */
export const layer = <A, I extends EncodedParameters, R>(
  options: GrantType<A, I, R>
): Layer.Layer<never, never, GrantTypes | R> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const grantTypes = yield* GrantTypes
      const context = yield* Effect.context<R>()
      const decode = Schema.decodeUnknown(options.parameters)
      yield* grantTypes.register({
        grantType: options.grantType,
        handle: (parameters, client, caller) =>
          decode(toRecord(parameters)).pipe(
            Effect.mapError(toInvalidRequest),
            Effect.flatMap((decoded) => options.handle(decoded, client, caller)),
            Effect.provide(context)
          )
      })
    })
  )

const toRecord = (parameters: Parameters.Parameters): EncodedParameters => ({
  ...Object.fromEntries(Array.from(parameters.values, ([name, values]) => [name, values[0]])),
  resource: Parameters.all(parameters, "resource")
})

const toInvalidRequest = (error: ParseResult.ParseError): InvalidRequest => {
  const issue = Option.fromNullable(ParseResult.ArrayFormatter.formatErrorSync(error)[0])
  const name = Option.match(issue, { onNone: () => "", onSome: ({ path }) => String(path[0]) })
  return Option.exists(issue, ({ _tag }) => _tag === "Missing") ? Parameters.missing(name) : Parameters.malformed(name)
}
