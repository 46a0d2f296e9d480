/**
 * The clients of metadata documents (draft-ietf-oauth-client-id-metadata-document-01): fetches, checks and caches the
 * documents. Errors and documents that cannot be used are never cached (§6.5).
 */
import * as Cache from "effect/Cache"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Client from "../../domain/Client.js"
import * as ClientDocument from "../../domain/ClientDocument.js"
import * as ClientIdUrl from "../../domain/ClientIdUrl.js"
import * as Freshness from "../../domain/Freshness.js"
import * as Issuer from "../../domain/Issuer.js"
import * as StrictJson from "../../domain/StrictJson.js"
import * as Time from "../../domain/Time.js"
import { Events } from "../events/Events.js"
import { OutboundClient } from "../outbound/OutboundClient.js"
import { ServerSettings } from "../ServerSettings.js"
import * as Spans from "../Spans.js"
import * as ClientNegotiation from "./ClientNegotiation.js"

export class ClientDocuments extends Context.Tag("latchkey/ClientDocuments")<
  ClientDocuments,
  {
    /** Whether the server accepts a client id as the URL of a metadata document. It never does if the setting is off. */
    readonly accepts: (id: Client.ClientId) => boolean
    /**
     * Returns the metadata of a document, from the cache or from its host. Concurrent callers wait for one request. A document
     * that cannot be used is logged with the reason, and published as an event.
     */
    readonly find: (id: Client.ClientId) => Effect.Effect<Client.ClientMetadata, ClientDocument.DocumentRefused>
    /** As `find`, but fetches the document again if the cached one is older than a few seconds. */
    readonly findAgain: (id: Client.ClientId) => Effect.Effect<Client.ClientMetadata, ClientDocument.DocumentRefused>
  }
>() {}

/** Bounds of the time for which a document is cached. */
const freshness: Freshness.Bounds = {
  // Consent follows the login within a minute, and no host is asked more often than that.
  atLeast: Duration.minutes(1),
  atMost: Duration.hours(24),
  otherwise: Duration.minutes(15)
}

/** Minimum interval between two requests for one document. */
const refetchInterval = Duration.seconds(10)

/** Maximum number of cached documents, about 5 MB. */
const capacity = 1_000

/** A document that was fetched. */
interface Fetched {
  readonly metadata: Client.ClientMetadata
  readonly fetchedAt: DateTime.Utc
  readonly lifetime: Duration.Duration
}

type Lookup = Either.Either<Fetched, ClientDocument.DocumentRefused>

/** Details of a document that is not strict JSON, for the operator's log. */
const mistakes: Readonly<Record<StrictJson.Mistake, string>> = {
  NotJson: "the document is not JSON",
  RepeatedMember: "an object in the document names a member twice"
}

const parseJson = (body: Uint8Array): Either.Either<unknown, ClientDocument.DocumentRefused> =>
  Either.mapLeft(
    StrictJson.parseBytes(body),
    (mistake) => new ClientDocument.DocumentRefused({ problem: "Malformed", detail: mistakes[mistake] })
  )

const make = Effect.gen(function* () {
  const { clientDocuments, issuer } = yield* ServerSettings
  const events = yield* Events
  const outbound = yield* OutboundClient
  const rulesOf = yield* ClientNegotiation.rules
  const allowLoopback = Issuer.isLoopbackIssuer(issuer)

  const parse = (id: Client.ClientId) => (clientDocuments ? ClientIdUrl.parse(id, allowLoopback) : Option.none())

  const fetch = (id: Client.ClientId): Effect.Effect<Fetched, ClientDocument.DocumentRefused> =>
    Effect.gen(function* () {
      const url = parse(id)
      if (Option.isNone(url)) {
        return yield* new ClientDocument.DocumentRefused({ problem: "Unavailable", detail: "the URL is not allowed" })
      }
      const request = { url: url.value, accept: "application/json", maxBytes: ClientDocument.maxBytes }
      const { body, headers } = yield* Effect.mapError(
        outbound.get(request),
        ({ detail, reason }) =>
          new ClientDocument.DocumentRefused({ problem: "Unavailable", detail: `${reason}: ${detail}` })
      )
      if (!ClientDocument.isJson(headers["content-type"])) {
        return yield* new ClientDocument.DocumentRefused({
          problem: "ContentType",
          detail: "the content type of the document is not JSON"
        })
      }
      const negotiated = yield* ClientDocument.read(id, yield* parseJson(body), rulesOf("Document"))
      yield* ClientNegotiation.logLeftOut(id, negotiated)
      return {
        metadata: negotiated.metadata,
        fetchedAt: yield* DateTime.now,
        lifetime: Freshness.lifetime(headers, freshness)
      }
    })

  /** Reports to the operator why a document cannot be used. */
  const report = (id: Client.ClientId, { detail, problem }: ClientDocument.DocumentRefused) =>
    Effect.zipRight(
      Effect.annotateLogs(Effect.logWarning("client metadata document refused"), {
        clientId: ClientIdUrl.withoutQuery(id),
        problem,
        detail
      }),
      events.publish({ _tag: "ClientDocumentRefused", clientId: id, problem }, { keep: "FirstOfDay" })
    )

  // A caller that goes away does not take the document from the others. The request ends within seconds by itself.
  const lookup = (id: Client.ClientId): Effect.Effect<Lookup> =>
    fetch(id).pipe(
      Effect.annotateLogs({ clientId: ClientIdUrl.withoutQuery(id) }),
      Effect.either,
      Effect.uninterruptible
    )

  const cache = yield* Cache.makeWith({
    capacity,
    lookup,
    // `Cache` returns a value at the very millisecond of its end, too.
    timeToLive: (exit): Duration.Duration =>
      exit._tag === "Success" && Either.isRight(exit.value)
        ? Duration.subtract(exit.value.right.lifetime, Duration.millis(1))
        : Duration.zero
  })

  /** Requests of `findAgain` that are running. They leave the cached document as it is until there is a newer one. */
  const running = yield* Cache.make({ capacity, lookup, timeToLive: Duration.zero })

  /** Returns the document from a cache, which keeps it only if it can be used. */
  const get = Effect.fnUntraced(function* (from: Cache.Cache<Client.ClientId, Lookup>, id: Client.ClientId) {
    const found = yield* from.get(id)
    if (Either.isLeft(found)) {
      // A lifetime of zero ends at the next millisecond.
      yield* from.invalidate(id)
      // Here and not in the lookup, so that the event names the request and the user.
      yield* report(id, found.left)
    }
    return yield* found
  })

  return ClientDocuments.of({
    accepts: (id) => Option.isSome(parse(id)),
    find: Spans.fn("ClientDocuments.find")(function* (id) {
      return (yield* get(cache, id)).metadata
    }),
    findAgain: Spans.fn("ClientDocuments.findAgain")(function* (id) {
      const cached = yield* get(cache, id)
      if (Time.isWithin(yield* DateTime.now, cached.fetchedAt, refetchInterval)) return cached.metadata
      const fetched = yield* get(running, id)
      yield* running.invalidate(id)
      yield* cache.set(id, Either.right(fetched))
      return fetched.metadata
    })
  })
})

export const layer = Layer.effect(ClientDocuments, make)
