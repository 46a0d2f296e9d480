/**
 * Gives every request an id, which its log lines, its events and its response carry, and the origin that its events store
 * (see `services/events/Origin`). A request has one id, no matter how many handlers and guards it passes.
 */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import type { Actor } from "../../domain/Event.js"
import type { Settings } from "../../domain/Settings.js"
import { CurrentOrigin, type Origin } from "../../services/events/Origin.js"
import * as Fibers from "../../services/Fibers.js"
import { nextIdentifier } from "../../services/keys/Crypto.js"
import * as Locally from "../../services/Locally.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as ClientAddress from "./ClientAddress.js"
import type { Headers } from "./DirectRoutes.js"
import * as Wire from "./Wire.js"

/** The parts of a request, of any server, that its origin is read from. */
export interface Carrier {
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The request of the underlying server. It stays the same while the platform makes copies of its own object. */
  readonly source: unknown
  /** Missing if only a guard sees the request. */
  readonly remoteAddress?: Option.Option<string>
}

/**
 * The header that carries the id: in requests of trusted proxies, and in every response except the responses 400, 408, 431
 * and 503 that Node and `layers/node` write before a request is read.
 */
const header = "x-request-id"

/**
 * An id that a proxy may pass on. Heroku, whose router passes on the ids of its clients, accepts the same characters up to
 * the same length (https://devcenter.heroku.com/articles/http-request-id). A text that looks like one of our tokens is not
 * accepted.
 */
const wellFormed = /^(?!.*lk_[a-z]{2}_)[A-Za-z0-9+/=._:-]{1,200}$/

const anonymous: Actor = { _tag: "Anonymous" }

/** The origin of a request, on the request of the underlying server: a weak map would cost more than the rest. */
const known = Symbol("latchkey/Edge/origin")

/** A request of an underlying server. */
interface Source {
  [known]?: Origin
}

/** The origins of frozen requests: a guard is a function of any object with headers. */
const ofFrozen = new WeakMap<Source, Origin>()

const knownOrigin = (source: Source): Origin | undefined => source[known] ?? ofFrozen.get(source)

const remember = (source: Source, origin: Origin): void => {
  if (Object.isExtensible(source)) source[known] = origin
  else ofFrozen.set(source, origin)
}

/** Returns the id that a trusted proxy gave the request. */
const givenId = (request: Required<Carrier>, { trustedProxies }: Settings): string | undefined => {
  const given = request.headers[header]
  return given !== undefined && wellFormed.test(given) && ClientAddress.isFromProxy(request, trustedProxies)
    ? given
    : undefined
}

/** Returns the origin of a request; the first call makes it. */
const originOf = (carrier: Carrier, settings: Settings, now: number): Origin => {
  const found = knownOrigin(carrier.source as Source)
  if (found !== undefined) return found
  const { logAddresses, trustedProxies } = settings
  // The platform's object has getters, which a spread does not copy.
  const { headers, remoteAddress = Option.none(), source } = carrier
  const request = { headers, remoteAddress, source }
  const origin: Origin = {
    actor: MutableRef.make(anonymous),
    requestId: givenId(request, settings) ?? nextIdentifier(now),
    address: logAddresses === "Off" ? undefined : ClientAddress.shown(request, trustedProxies, logAddresses)
  }
  remember(carrier.source as Source, origin)
  return origin
}

/** Returns the annotations of the request for its log lines. */
const annotations = ({ address, requestId }: Origin): Readonly<Record<string, unknown>> =>
  address === undefined ? { requestId } : { requestId, address }

/** Runs requests, and signs responses, with the id of the request. */
export interface Edge {
  /** Runs an effect as a part of a request. */
  readonly enter: <A, E, R>(request: Carrier, self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Returns the annotations of a request, for log lines that are written outside of `enter`. */
  readonly annotations: (request: Carrier) => Effect.Effect<Readonly<Record<string, unknown>>>
  /** Sets the id on a response that has none. */
  readonly sign: (
    request: Carrier,
    response: HttpServerResponse.HttpServerResponse
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse>
  /**
   * Returns the services and log annotations of a request, and the function that sets the id on its response. `around` applies
   * all of them, and takes more steps.
   */
  readonly values: (
    request: Carrier,
    fiber: Fibers.Running
  ) => {
    readonly services: Context.Context<never>
    readonly annotations: Readonly<Record<string, unknown>>
    readonly sign: (response: HttpServerResponse.HttpServerResponse) => HttpServerResponse.HttpServerResponse
  }
  /** As `values`, for a request that has no fiber yet. `now` is the time in milliseconds. */
  readonly begin: (
    request: Carrier,
    now: number
  ) => {
    readonly addServices: (services: Map<string, unknown>) => void
    readonly annotations: Readonly<Record<string, unknown>>
    /** Returns the header with the id, for a response that has none. */
    readonly id: (response: HttpServerResponse.HttpServerResponse) => Headers
  }
  /** Runs a handler as a part of its request, and sets the id on its response. */
  readonly around: <E, R>(
    handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest>
  /** The headers of every response of the server (RFC 6797 §7.1). */
  readonly headers: Readonly<Record<string, string>>
}

/** Returns the services and log annotations of a request. */
const valuesOf = (origin: Origin) => ({
  services: Context.make(CurrentOrigin, origin) as Context.Context<never>,
  annotations: annotations(origin)
})

const hasOrigin = (fiber: Fibers.Running, origin: Origin): boolean =>
  fiber.currentContext.unsafeMap.get(CurrentOrigin.key) === origin

/** Returns the header with the id, for a response that has none. */
const idOf = ({ requestId = "" }: Origin, { headers }: HttpServerResponse.HttpServerResponse): Headers =>
  headers[header] === undefined ? [[header, requestId]] : []

const sign = (origin: Origin, response: HttpServerResponse.HttpServerResponse) => {
  // `setHeaders` would take ten times as long.
  const [id] = idOf(origin, response)
  return id === undefined ? response : HttpServerResponse.setHeader(response, ...id)
}

/**
 * The origin of a request of which only a guard inside its handler knows the settings of the server: the outer origin until the
 * guard makes the origin of the request, and that one afterwards.
 */
class Following implements Origin {
  constructor(
    readonly source: Source,
    readonly outside: Origin
  ) {}

  get #now(): Origin {
    return knownOrigin(this.source) ?? this.outside
  }

  get actor() {
    return this.#now.actor
  }

  get requestId() {
    return this.#now.requestId
  }

  get address() {
    return this.#now.address
  }
}

/** Adds the origin that follows the guard of a request to its services, as `follow` does. */
export const addFollowing = (services: Map<string, unknown>, { source }: HttpServerRequest.HttpServerRequest): void => {
  const outside = Context.get(Context.unsafeMake<never>(services), CurrentOrigin)
  services.set(CurrentOrigin.key, new Following(source as Source, outside))
}

/**
 * Runs the handler of a request so that its events name the caller whom its guard let in; routes without a guard do not change.
 * `recover` answers a failure of the handler.
 */
export const follow = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  recover: (cause: Cause.Cause<E>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Fibers.withFiber((fiber) => {
    const request = fiber.currentContext.unsafeMap.get(HttpServerRequest.HttpServerRequest.key) as Carrier | undefined
    const source = request?.source as Source | undefined
    const outside = Context.get(fiber.currentContext, CurrentOrigin)
    if (source === undefined || (outside instanceof Following && outside.source === source)) {
      return Effect.catchAllCause(self, recover)
    }
    const services = Context.make(CurrentOrigin, new Following(source, outside))
    return Locally.inFiber(fiber, { services }, self, identity, recover)
  })

/** Makes the edge of a server from its settings. */
export const make = (settings: Settings): Edge => {
  const find = (request: Carrier, fiber: Fibers.Running) => originOf(request, settings, Fibers.millis(fiber))
  const enter: Edge["enter"] = (request, self) =>
    Locally.withEach(self, (fiber) => {
      const origin = find(request, fiber)
      return hasOrigin(fiber, origin) ? undefined : valuesOf(origin)
    })
  return {
    enter,
    values: (request, fiber) => {
      const origin = find(request, fiber)
      const { annotations, services } = valuesOf(origin)
      // Without a spread, which would make a hidden class for each request.
      return { services, annotations, sign: (response) => sign(origin, response) }
    },
    begin: (request, now) => {
      const origin = originOf(request, settings, now)
      return {
        addServices: (services) => services.set(CurrentOrigin.key, origin),
        annotations: annotations(origin),
        id: (response) => idOf(origin, response)
      }
    },
    annotations: (request) => Fibers.withFiber((fiber) => Effect.succeed(annotations(find(request, fiber)))),
    sign: (request, response) => Fibers.withFiber((fiber) => Effect.succeed(sign(find(request, fiber), response))),
    around: (handler) =>
      Fibers.withFiber((fiber) => {
        const request = Fibers.service(fiber, HttpServerRequest.HttpServerRequest)
        return Effect.map(enter(request, handler), (response) => sign(find(request, fiber), response))
      }),
    headers: Wire.strictTransport(settings.issuer)
  }
}

/** Returns the edge of the current server. */
export const edge: Effect.Effect<Edge, never, ServerSettings> = Effect.map(ServerSettings, make)
