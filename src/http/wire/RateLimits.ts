/**
 * Counts requests, and reports the quotas in responses: `RateLimit` and `RateLimit-Policy`
 * (draft-ietf-httpapi-ratelimit-headers-10 §3, §4), and 429 with `Retry-After` if a quota is used up (RFC 6585 §4).
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import { TooManyRequests } from "../../domain/HttpError.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import {
  Decision,
  type Limit,
  type LimitName,
  nextAfter,
  ofNetwork,
  type QuotaRequest,
  type QuotaState
} from "../../domain/RateLimit.js"
import type { Settings } from "../../domain/Settings.js"
import { digestOf } from "../../services/keys/Crypto.js"
import { RateLimiter } from "../../services/RateLimiter.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as ClientAddress from "./ClientAddress.js"
import type { Headers } from "./DirectRoutes.js"
import * as NetworkLimits from "./NetworkLimits.js"
import * as OncePerServer from "./OncePerServer.js"

type Refusal = TooManyRequests | TemporarilyUnavailable

/** Counts one request against limits that only its handler knows. */
export class Meter extends Context.Tag("latchkey/http/Meter")<
  Meter,
  {
    /** Counts the request against the limit of one owner, such as the id of a client. Does nothing if the limit is off. */
    readonly consume: (name: LimitName, owner: string) => Effect.Effect<void, Refusal>
    /** Counts the request against a limit of the client's networks. Does nothing if the address is not known. */
    readonly consumeByAddress: (name: LimitName) => Effect.Effect<void, Refusal>
    /** The narrowest network of the client (see `ClientAddress.narrowest`); `None` if it is not known. */
    readonly network: Option.Option<string>
    /** All networks of the client, the narrowest first (see `ClientAddress.Origin`). */
    readonly networks: ReadonlyArray<string>
    /** The networks that are counted, and the factor of their quotas. */
    readonly share: NetworkLimits.Share
  }
>() {}

/** The counting of one request. */
export interface Counted {
  /** Runs first: the server reads and writes nothing for a request that it refuses. `undefined` if there is nothing to count. */
  readonly admit: Effect.Effect<void, Refusal> | undefined
  /** For the handler. */
  readonly meter: Context.Tag.Service<Meter>
  /** Returns the headers of the response. */
  readonly headers: () => Headers
}

/** Starts to count a request. */
export type Counting = (request: HttpServerRequest.HttpServerRequest) => Counted

/** Counts nothing, for endpoints without limits. */
export const uncounted: Counting = () => nothing

const nothing: Counted = {
  admit: undefined,
  meter: {
    consume: () => Effect.void,
    consumeByAddress: () => Effect.void,
    network: Option.none(),
    networks: [],
    share: { networks: [], factor: 1 }
  },
  headers: () => []
}

/**
 * Counts requests by the client's address: against a quota of its network and of each wider network that contains it, unless
 * `networkLimits` says otherwise. If the address is not known, as in a handler of web requests, nothing is counted: one quota
 * for all clients would let one client lock out all others.
 */
export const byAddress = (
  names: ReadonlyArray<LimitName>
): Effect.Effect<Counting, never, RateLimiter | ServerSettings> =>
  Effect.gen(function* () {
    const limiter = yield* RateLimiter
    const settings = yield* ServerSettings
    const { issuer, networkLimits, rateLimits, trustedProxies } = settings
    const shareOf = NetworkLimits.make(networkLimits)
    const limitsOf = (names: ReadonlyArray<LimitName>) => names.flatMap((name) => rateLimits[name] ?? [])
    const admitted = limitsOf(names)

    // Issuers that share a limiter share no quota, and all keys have the same length.
    const keyOf = (owner: string) => digestOf(JSON.stringify([issuer, owner]))

    /** Returns `None` if the limiter fails and the limits let the request continue. */
    const decide = (
      asked: ReadonlyArray<QuotaRequest>
    ): Effect.Effect<Option.Option<Decision>, TemporarilyUnavailable> =>
      Effect.asSome(limiter.consume(asked)).pipe(
        Effect.catchAll((error) =>
          asked.some(({ limit }) => limit.whenUnavailable === "Refuse")
            ? Effect.fail(error)
            : Effect.as(
                Effect.annotateLogs(Effect.logWarning("rate limiter unavailable, request not counted"), {
                  limits: Arr.dedupe(asked.map(({ limit }) => limit.name)),
                  reason: error.reason
                }),
                Option.none()
              )
        )
      )

    return (request) => {
      const met: Array<Met> = []

      const consume = (asked: ReadonlyArray<QuotaRequest>): Effect.Effect<void, Refusal> =>
        asked.length === 0
          ? Effect.void
          : Effect.flatMap(decide(asked), (decision) =>
              Option.isNone(decision) ? Effect.void : note(asked, decision.value)
            )

      const note = (asked: ReadonlyArray<QuotaRequest>, decision: Decision): Effect.Effect<void, TooManyRequests> => {
        // The quotas that this request was counted against before must allow the next request, too.
        const waits = met.map(({ limit, state }) => nextAfter(limit, state))
        met.push(...Arr.zipWith(asked, decision.quotas, ({ limit }, state) => ({ limit, state })))
        if (!Decision.$is("Refused")(decision)) return Effect.void
        return new TooManyRequests({
          reason: "RateLimited",
          description: "too many requests; try again later",
          retryAfter: Math.max(1, seconds(waits.reduce(Duration.max, decision.retryAfter)))
        })
      }

      const sender = new Sender(request, trustedProxies, shareOf)
      const consumeByAddress = (limits: ReadonlyArray<Limit>) =>
        Effect.suspend(() => {
          const { share } = sender
          const keys = limits.length === 0 ? [] : share.networks.map(keyOf)
          const ofKey = (key: string, index: number) =>
            limits.map((limit) => ({ limit: ofNetwork(limit, index, share.factor), key }))
          return consume(keys.flatMap(ofKey))
        })
      const admission = () => {
        if (admitted.length === 0 && !ClientAddress.isForwarded(request)) return undefined
        const { isUnreadable, isUntrusted } = sender.origin
        if (isUnreadable) return Effect.zipRight(warnOfProxy(settings), consumeByAddress(admitted))
        if (isUntrusted) return Effect.zipRight(warnOfUntrusted(request, settings), consumeByAddress(admitted))
        return admitted.length === 0 ? undefined : consumeByAddress(admitted)
      }
      return {
        admit: admission(),
        meter: new RequestMeter(
          (name, owner) => consume(limitsOf([name]).map((limit) => ({ limit, key: keyOf(owner) }))),
          (name) => consumeByAddress(limitsOf([name])),
          sender
        ),
        headers: () => (met.length === 0 ? [] : headersOf(met))
      }
    }
  })

/** The address of a client, which is read when it is asked for: many requests need none. */
class Sender {
  #origin: ClientAddress.Origin | undefined

  constructor(
    readonly request: HttpServerRequest.HttpServerRequest,
    readonly trustedProxies: ClientAddress.TrustedProxies,
    readonly shareOf: (origin: ClientAddress.Origin) => NetworkLimits.Share
  ) {}

  get origin(): ClientAddress.Origin {
    this.#origin ??= ClientAddress.read(this.request, this.trustedProxies)
    return this.#origin
  }

  get share(): NetworkLimits.Share {
    return this.shareOf(this.origin)
  }
}

/**
 * The meter of a request. A class, because V8 keeps the getters of an object literal until a full collection, with all that they
 * refer to.
 */
class RequestMeter implements Context.Tag.Service<Meter> {
  constructor(
    readonly consume: Context.Tag.Service<Meter>["consume"],
    readonly consumeByAddress: Context.Tag.Service<Meter>["consumeByAddress"],
    readonly sender: Sender
  ) {}

  get networks() {
    return this.sender.origin.networks
  }

  get network() {
    return Arr.head(this.networks)
  }

  get share() {
    return this.sender.share
  }
}

const onceForProxy = OncePerServer.make()

/** Logs, once per server, that its limits cannot distinguish clients. The value comes from outside and is not logged. */
const warnOfProxy = (settings: Settings): Effect.Effect<void> =>
  onceForProxy(
    settings,
    Effect.logWarning(
      "a trusted proxy sends X-Forwarded-For with entries that are not addresses; limits count all its clients as one"
    )
  )

const onceForUntrusted = OncePerServer.make()

/** Logs, once per server, the peer that forwards addresses which the server does not trust. */
const warnOfUntrusted = (request: HttpServerRequest.HttpServerRequest, settings: Settings): Effect.Effect<void> =>
  onceForUntrusted(
    settings,
    Effect.annotateLogs(
      Effect.logWarning(
        "X-Forwarded-For or Forwarded ignored, because it does not come from a trusted proxy: if this peer is your proxy, add its address to trustedProxies (LATCHKEY_TRUSTED_PROXIES); until then limits count all its clients as one"
      ),
      ClientAddress.peerAnnotation(request)
    )
  )

/** A quota that a request was counted against. */
interface Met {
  readonly limit: Limit
  readonly state: QuotaState
}

/** Returns whole seconds, rounded up. */
const seconds = (duration: Duration.Duration): number => Math.ceil(Duration.toSeconds(duration))

/** Orders quotas: first the one that allows the next request last; of those that allow it now, the one with the least left. */
const mostRestrictive: Order.Order<Met> = Order.combine(
  Order.reverse(Order.mapInput(Duration.Order, ({ limit, state }: Met) => nextAfter(limit, state))),
  Order.mapInput(Order.number, ({ state }: Met) => state.remaining)
)

/** Returns one item for each limit: for the network whose quota is the most restrictive. */
const headersOf = (met: ReadonlyArray<Met>): Headers => {
  const shown = Object.values(Arr.groupBy(met, ({ limit }) => limit.name)).map(Arr.min(mostRestrictive))
  const policies = shown.map(({ limit: { name, quota, window } }) => `"${name}";q=${quota};w=${seconds(window)}`)
  const states = shown.map(
    ({ limit: { name }, state: { remaining, replenishedAfter } }) =>
      `"${name}";r=${remaining};t=${seconds(replenishedAfter)}`
  )
  return [
    ["ratelimit-policy", policies.join(", ")],
    ["ratelimit", states.join(", ")]
  ]
}
