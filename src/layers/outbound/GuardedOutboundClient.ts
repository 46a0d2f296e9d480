/**
 * The `OutboundClient` of Node. A URL that a stranger names leads to the public internet or nowhere: the host is resolved once,
 * all its addresses are checked, and the connection goes to these addresses. The time of the whole request is bounded.
 *
 * @example
 * import * as GuardedOutboundClient from "./GuardedOutboundClient.js"
 *
 * const Outbound = GuardedOutboundClient.layer()
 */
import { lookup } from "node:dns/promises"
import { isIP } from "node:net"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { OutboundClient, OutboundError, type OutboundRequest } from "../../services/outbound/OutboundClient.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Spans from "../../services/Spans.js"
import * as Destination from "./Destination.js"
import * as PinnedRequest from "./PinnedRequest.js"
import * as RequestSlots from "./RequestSlots.js"

/** Resolves a host to all its addresses. */
export type Resolver = (host: string) => Promise<ReadonlyArray<Destination.HostAddress>>

/** The parts that tests replace. */
export interface Options {
  /** `dns.lookup` of Node if not given. */
  readonly resolve?: Resolver
  /** Certificate authorities in PEM that replace those of Node. */
  readonly ca?: string
}

/** Maximum time of a request, from the wait for its turn to the last byte of the response. */
const deadline = Duration.seconds(5)

const systemResolver: Resolver = (host) => lookup(host, { all: true, verbatim: true })

const make = ({ ca, resolve = systemResolver }: Options) =>
  Effect.map(ServerSettings, (settings) => {
    const rules = Destination.rulesOf(settings)
    const inSlot = RequestSlots.make()

    /** The addresses of a host; an address is its own. */
    const addressesOf = (url: URL) => {
      const host = Destination.hostOf(url)
      const family = isIP(host)
      if (family !== 0) return Effect.succeed([{ address: host, family }])
      return Effect.tryPromise({
        try: () => resolve(host),
        catch: () => new OutboundError({ reason: "UnknownHost", detail: `the host ${host} cannot be resolved` })
      })
    }

    const fetch = Effect.fnUntraced(function* (request: OutboundRequest) {
      const addresses = yield* addressesOf(request.url)
      yield* Destination.checkAddresses(request.url, addresses, rules)
      return yield* PinnedRequest.send(request, addresses, ca)
    })

    return OutboundClient.of({
      get: Spans.fn("OutboundClient.get")(function* (request) {
        yield* Destination.checkUrl(request.url, rules)
        const { host } = request.url
        // The deadline also holds for a caller that cannot be interrupted.
        return yield* Effect.timeoutFail(Effect.interruptible(inSlot(host, fetch(request))), {
          duration: deadline,
          onTimeout: () =>
            new OutboundError({ reason: "Timeout", detail: `${host}: no response within ${Duration.format(deadline)}` })
        })
      })
    })
  })

export const layer = (options: Options = {}): Layer.Layer<OutboundClient, never, ServerSettings> =>
  Layer.effect(OutboundClient, make(options))
