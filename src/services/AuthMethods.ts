/**
 * The methods by which clients authenticate (RFC 6749 §2.3, RFC 7591 §2). The layer of a method registers it, and the metadata
 * name every registered one.
 *
 * @example
 * import * as Effect from "effect/Effect"
 * import * as Either from "effect/Either"
 * import * as Layer from "effect/Layer"
 * import * as Option from "effect/Option"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as AuthMethods from "latchkey/AuthMethods"
 *
 * // A proxy in front of the server checks the certificate of the client, and removes this header from every other request.
 * const ByCertificate = AuthMethods.layer({
 *   name: "tls_client_auth",
 *   read: ({ headers, parameters }) =>
 *     Either.right(
 *       Option.map(Option.fromNullable(headers["x-client-certificate-subject"]), (credentials) => ({
 *         clientId: parameters.values.get("client_id")?.[0] ?? "",
 *         credentials
 *       }))
 *     ),
 *   verify: (subject, client) => Effect.succeed(subject === `CN=${client.id}`)
 * })
 *
 * const Auth = Layer.provideMerge(
 *   ByCertificate,
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
import type { Client, AuthMethod as Name } from "../domain/Client.js"
import { InvalidClient, InvalidRequest, type TemporarilyUnavailable } from "../domain/OAuthError.js"
import type * as Parameters from "../domain/Parameters.js"
import * as Locally from "./Locally.js"

/** The parts of a request that may hold credentials. No parameter is repeated, except `resource`. */
export interface Presented {
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly parameters: Parameters.Parameters
}

/** The credentials of a request, and the id of the client that they are said to be of. */
export interface Claimed<C> {
  readonly clientId: string
  readonly credentials: C
}

/** A method: its name, how it reads its credentials, and how it verifies them. */
export interface AuthMethod<C, R> {
  /** The value of `token_endpoint_auth_method` in the metadata of the clients that use it. */
  readonly name: Name
  /** The scheme of the Authorization header that has the credentials, such as `Basic`; none if they are elsewhere. */
  readonly scheme?: string
  /** The algorithms with which clients sign, for the metadata (RFC 8414 §2). */
  readonly signingAlgorithms?: ReadonlyArray<string>
  /** Returns the credentials of this method; `None` if the request has none. */
  readonly read: (presented: Presented) => Either.Either<Option.Option<Claimed<C>>, InvalidRequest | InvalidClient>
  /**
   * Returns whether the credentials prove that the request is the client's. It runs only for a client that is enabled and
   * registered this method.
   */
  readonly verify: (credentials: C, client: Client) => Effect.Effect<boolean, InvalidClient | TemporarilyUnavailable, R>
}

/** Finds a client by the id of a request, which may be any text. */
export type Find = (clientId: string) => Effect.Effect<Option.Option<Client>, TemporarilyUnavailable>

/** Authenticates the client of a request. */
export type Attempt = (find: Find) => Effect.Effect<Client, InvalidClient | TemporarilyUnavailable>

/** A registered method. */
export interface Handler {
  readonly name: Name
  readonly scheme?: string | undefined
  readonly signingAlgorithms?: ReadonlyArray<string> | undefined
  /** Returns how to authenticate the client; `undefined` if the request has no credentials of this method. */
  readonly read: (presented: Presented) => Either.Either<Attempt | undefined, InvalidRequest | InvalidClient>
}

/** Two layers register a method under one name. */
export class DuplicateAuthMethod extends Error {
  override readonly name = "DuplicateAuthMethod"
  constructor(method: string) {
    super(
      `the client authentication method ${JSON.stringify(method)} is registered twice: give each method its own name, and provide its layer once`
    )
  }
}

export class AuthMethods extends Context.Tag("latchkey/AuthMethods")<
  AuthMethods,
  {
    /** Adds a method. A second one of the same name is a mistake of the app, which dies at start. */
    readonly register: (handler: Handler) => Effect.Effect<void>
    /** Returns the names of the registered methods: the same list while none is registered. */
    readonly names: () => ReadonlyArray<Name>
    /** Returns the algorithms with which clients may sign. */
    readonly signingAlgorithms: () => ReadonlyArray<string>
    /**
     * Returns how the request authenticates its client. A request with the credentials of two methods is refused (RFC 6749
     * §2.3). The method `none` applies only where the request has no credentials at all.
     */
    readonly choose: (presented: Presented) => Either.Either<Attempt, InvalidRequest | InvalidClient>
  }
>() {}

/** Returns the error of a failed authentication. The description is the same for every reason. */
export const refuse = (reason: InvalidClient["reason"]): InvalidClient =>
  new InvalidClient({ reason, description: "client authentication failed" })

const noClient = new InvalidClient({ reason: "MissingCredentials", description: "the request names no client" })

/** The request has the credentials of two methods, or names two clients (RFC 6749 §2.3). */
export const several = new InvalidRequest({
  reason: "SeveralCredentials",
  description: "the client authenticates by more than one method"
})

/** Whether the request has an Authorization header that is not empty. */
const hasHeader = ({ headers }: Presented): boolean => (headers.authorization ?? "").trim() !== ""

/** An empty registry: the layers of the methods fill it. */
export const layerEmpty = Layer.sync(AuthMethods, () => {
  const handlers = new Map<Name, Handler>()
  let names: ReadonlyArray<Name> = []
  let signingAlgorithms: ReadonlyArray<string> = []

  const readNone = (presented: Presented): Either.Either<Attempt, InvalidRequest | InvalidClient> => {
    if (hasHeader(presented)) return Either.left(refuse("MalformedCredentials"))
    const { values } = presented.parameters
    // An assertion of another kind must not be ignored: a public client that sends one means to prove something.
    if (values.has("client_assertion") || values.has("client_assertion_type")) {
      return Either.left(refuse("UnknownAssertionType"))
    }
    const read = handlers.get("none")?.read(presented) ?? Either.right(undefined)
    return Either.isRight(read) && read.right === undefined
      ? Either.left(noClient)
      : (read as Either.Either<Attempt, InvalidRequest | InvalidClient>)
  }

  return AuthMethods.of({
    register: (handler) =>
      Effect.suspend(() => {
        if (handlers.has(handler.name)) return Effect.die(new DuplicateAuthMethod(handler.name))
        handlers.set(handler.name, handler)
        const all = Array.from(handlers.values())
        names = all.map(({ name }) => name)
        signingAlgorithms = Array.from(new Set(all.flatMap(({ signingAlgorithms = [] }) => signingAlgorithms)))
        return Effect.void
      }),
    names: () => names,
    signingAlgorithms: () => signingAlgorithms,
    choose: (presented) => {
      let chosen: { readonly handler: Handler; readonly attempt: Attempt } | undefined
      for (const handler of handlers.values()) {
        if (handler.name === "none") continue
        const read = handler.read(presented)
        if (Either.isLeft(read)) return Either.left(read.left)
        if (read.right === undefined) continue
        if (chosen !== undefined) return Either.left(several)
        chosen = { handler, attempt: read.right }
      }
      if (chosen === undefined) return readNone(presented)
      return chosen.handler.scheme === undefined && hasHeader(presented)
        ? Either.left(refuse("MalformedCredentials"))
        : Either.right(chosen.attempt)
    }
  })
})

/** Registers a method. The layer requires the services that `verify` requires. */
export const layer = <C, R = never>(method: AuthMethod<C, R>): Layer.Layer<never, never, AuthMethods | R> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const methods = yield* AuthMethods
      const services = yield* Effect.context<R>()
      yield* methods.register({
        name: method.name,
        scheme: method.scheme,
        signingAlgorithms: method.signingAlgorithms,
        read: (presented) =>
          Either.map(
            method.read(presented),
            Option.match({
              onNone: () => undefined,
              onSome: ({ clientId, credentials }) =>
                Effect.fnUntraced(function* (find: Find) {
                  const found = yield* find(clientId)
                  if (Option.isNone(found)) return yield* refuse("UnknownClient")
                  const client = found.value
                  if (client.state === "Disabled") return yield* refuse("Disabled")
                  if (client.metadata.token_endpoint_auth_method !== method.name) return yield* refuse("WrongMethod")
                  const isVerified = yield* Locally.withValues(method.verify(credentials, client), { services })
                  return isVerified ? client : yield* refuse("WrongCredentials")
                })
            })
          )
      })
    })
  )
