/**
 * The grant types of the token endpoint (RFC 6749 §1.3, §4.5). The layer of a grant type registers it, and the metadata names
 * every registered one.
 *
 * @example
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Schema from "effect/Schema"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as GrantTypes from "latchkey/GrantTypes"
 * import { InvalidGrant } from "latchkey/OAuthError"
 *
 * const Device = GrantTypes.layer({
 *   grantType: "urn:ietf:params:oauth:grant-type:device_code",
 *   parameters: Schema.Struct({ device_code: Schema.String }),
 *   handle: ({ device_code }, client) =>
 *     Effect.zipRight(
 *       Effect.logInfo(`client ${client.id} sent a device code of ${device_code.length} characters`),
 *       new InvalidGrant({ reason: "Unknown", description: "the device code is unknown" })
 *     )
 * })
 *
 * const Auth = Layer.provideMerge(
 *   Device,
 *   AuthLayer.layer({
 *     issuer: "https://notes.example.com",
 *     resources: [{ uri: "https://notes.example.com/notes", scopes: { "notes:read": "Read your notes" } }]
 *   })
 * )
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
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
import * as Locally from "./Locally.js"

/** The errors that the handler of a grant type may fail with. */
export type GrantError =
  | InvalidRequest
  | InvalidGrant
  | InvalidScope
  | InvalidTarget
  | UnauthorizedClient
  | TemporarilyUnavailable

/** The parameters of a token request, for the schema of a grant type: only `resource` may be repeated (RFC 8707 §2). */
export type EncodedParameters = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** The origin of a token request. */
export interface Caller {
  /** The narrowest network of the client: an IPv4 address, or a /64 of IPv6. `None` if the address is not known. */
  readonly network: Option.Option<string>
}

/** A grant type: its name, the parameters of its requests, and their handler. */
export interface GrantType<A, I extends EncodedParameters, R> {
  readonly grantType: string
  readonly parameters: Schema.Schema<A, I>
  /** Runs after the client was authenticated and its registration was found to have this grant type. */
  readonly handle: (parameters: A, client: Client, caller: Caller) => Effect.Effect<TokenResponse, GrantError, R>
}

/** A registered grant type, whose handler reads the parameters itself. */
export interface Handler {
  readonly grantType: string
  readonly handle: (
    parameters: Parameters.Parameters,
    client: Client,
    caller: Caller
  ) => Effect.Effect<TokenResponse, GrantError>
}

/** Two layers register a grant type under one name. */
export class DuplicateGrantType extends Error {
  override readonly name = "DuplicateGrantType"
  constructor(grantType: string) {
    super(
      `the grant type ${JSON.stringify(grantType)} is registered twice: give each grant type its own name, and provide its layer once`
    )
  }
}

export class GrantTypes extends Context.Tag("latchkey/GrantTypes")<
  GrantTypes,
  {
    /** Adds a grant type. A second one of the same name is a mistake of the app, which dies at start. */
    readonly register: (handler: Handler) => Effect.Effect<void>
    readonly find: (grantType: string) => Effect.Effect<Handler, UnsupportedGrantType>
    /** Returns the names of the registered grant types: the same list while none is registered. */
    readonly names: () => ReadonlyArray<string>
  }
>() {}

/** An empty registry: the layers of the grant types fill it. */
export const layerEmpty = Layer.sync(GrantTypes, () => {
  const handlers = new Map<string, Handler>()
  let names: ReadonlyArray<string> = []
  return GrantTypes.of({
    register: (handler) =>
      Effect.suspend(() => {
        if (handlers.has(handler.grantType)) return Effect.die(new DuplicateGrantType(handler.grantType))
        handlers.set(handler.grantType, handler)
        names = Array.from(handlers.keys())
        return Effect.void
      }),
    find: (grantType) => {
      const handler = handlers.get(grantType)
      return handler === undefined
        ? new UnsupportedGrantType({
            reason: "UnknownGrantType",
            description: "the server does not have this grant type"
          })
        : Effect.succeed(handler)
    },
    names: () => names
  })
})

/** Registers a grant type. The layer requires the services that its handler requires. */
export const layer = <A, I extends EncodedParameters, R>(
  options: GrantType<A, I, R>
): Layer.Layer<never, never, GrantTypes | R> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const grantTypes = yield* GrantTypes
      const context = yield* Effect.context<R>()
      const decode = Schema.decodeUnknownEither(options.parameters)
      yield* grantTypes.register({
        grantType: options.grantType,
        handle: (parameters, client, caller) =>
          Either.match(decode(toRecord(parameters)), {
            onLeft: (error) => Effect.fail(toInvalidRequest(error)),
            onRight: (decoded) => Locally.withValues(options.handle(decoded, client, caller), { services: context })
          })
      })
    })
  )

/** A grant type of this server. Its handler has its services, and its parameters are read without a schema, in less time. */
export interface BuiltIn<A> {
  readonly grantType: string
  readonly read: (parameters: Parameters.Parameters) => Either.Either<A, InvalidRequest>
  readonly handle: (parameters: A, client: Client, caller: Caller) => Effect.Effect<TokenResponse, GrantError>
}

/** Registers a grant type of this server. */
export const layerBuiltIn = <A>({ grantType, handle, read }: BuiltIn<A>): Layer.Layer<never, never, GrantTypes> =>
  Layer.effectDiscard(
    Effect.flatMap(GrantTypes, ({ register }) =>
      register({
        grantType,
        handle: (parameters, client, caller) =>
          Either.match(read(parameters), {
            onLeft: Effect.fail,
            onRight: (request) => handle(request, client, caller)
          })
      })
    )
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
