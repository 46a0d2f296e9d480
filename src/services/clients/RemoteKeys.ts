/**
 * The keys that clients publish at a `jwks_uri` (RFC 7591 §2). Keys are used as long as their HTTP headers allow, within bounds,
 * and never longer. A failed request is no answer: the caller gets 503 and may try again.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as ClientKeySet from "../../domain/ClientKeySet.js"
import * as Freshness from "../../domain/Freshness.js"
import { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { BoundedMap } from "../BoundedMap.js"
import { OutboundClient } from "../outbound/OutboundClient.js"

/** Keys that were fetched. A later fetch gives another object. */
export interface FetchedKeys {
  readonly keys: ReadonlyArray<ClientKeySet.PublicKey>
}

type Fetched = Effect.Effect<FetchedKeys, TemporarilyUnavailable>

export class RemoteKeys extends Context.Tag("latchkey/RemoteKeys")<
  RemoteKeys,
  {
    /** Returns the keys at a URL. Concurrent callers share one request. */
    readonly get: (url: string) => Fetched
    /**
     * Returns newer keys than these, because none of them made a signature; `None` if they were fetched less than a minute ago.
     * So a stranger who invents key ids causes one request a minute. Fails if the last attempt to get newer keys failed.
     */
    readonly newer: (
      url: string,
      than: FetchedKeys
    ) => Effect.Effect<Option.Option<FetchedKeys>, TemporarilyUnavailable>
  }
>() {}

const bounds: Freshness.Bounds = {
  atLeast: Duration.minutes(1),
  atMost: Duration.hours(24),
  otherwise: Duration.minutes(10)
}

/** Minimum interval between two requests for newer keys of a URL, in milliseconds. */
const refreshInterval = Duration.toMillis(Duration.minutes(1))

/** Time after a failed request in which no other request is made to the URL, in milliseconds. */
const pauseAfterFailure = Duration.toMillis(Duration.seconds(5))

/** Maximum size of a key set in bytes. */
const maxBytes = 64 * 1024

/** Maximum number of keys that are read. */
const maxKeys = 50

/** Maximum number of URLs whose keys are remembered. */
const maxEntries = 1000

/** What is known of a URL. Times are in milliseconds. */
interface Entry {
  readonly known: { readonly fetched: FetchedKeys; readonly at: number; readonly until: number } | undefined
  readonly failure: { readonly error: TemporarilyUnavailable; readonly at: number } | undefined
  readonly running: Deferred.Deferred<FetchedKeys, TemporarilyUnavailable> | undefined
}

const unavailable = (cause: unknown) =>
  new TemporarilyUnavailable({
    reason: "ClientKeysUnavailable",
    description: "the keys of the client cannot be fetched; try again later",
    cause
  })

const parse = (body: Uint8Array): FetchedKeys | undefined => {
  try {
    const keys = ClientKeySet.read(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)), maxKeys)
    return keys === undefined ? undefined : { keys }
  } catch {
    return undefined
  }
}

const make = Effect.gen(function* () {
  const client = yield* OutboundClient
  const scope = yield* Effect.scope
  const entries = new BoundedMap<string, Entry>(maxEntries)
  const nothing: Entry = { known: undefined, failure: undefined, running: undefined }
  const entryOf = (url: string): Entry => entries.get(url) ?? nothing
  const change = (url: string, part: Partial<Entry>) => entries.remember(url, { ...entryOf(url), ...part })

  const request = Effect.fnUntraced(function* (url: string) {
    const document = yield* Effect.mapError(
      client.get({ url: new URL(url), accept: "application/jwk-set+json, application/json", maxBytes }),
      unavailable
    )
    const fetched = parse(document.body)
    if (fetched === undefined) return yield* unavailable("the document is no JWK Set")
    const at = yield* Clock.currentTimeMillis
    change(url, {
      known: { fetched, at, until: at + Duration.toMillis(Freshness.lifetime(document.headers, bounds)) },
      failure: undefined
    })
    return fetched
  })

  /** One caller requests. Its own end must not take the answer from the others, so the request has a fiber of its own. */
  const fetch = (url: string): Fetched =>
    Effect.suspend(() => {
      const { running } = entryOf(url)
      if (running !== undefined) return Deferred.await(running)
      const shared = Deferred.unsafeMake<FetchedKeys, TemporarilyUnavailable>(FiberId.none)
      change(url, { running: shared })
      const noteFailure = (error: TemporarilyUnavailable) =>
        Effect.zipRight(
          Effect.annotateLogs(Effect.logWarning("keys of a client not fetched", error.cause), {
            host: new URL(url).host
          }),
          Effect.map(Clock.currentTimeMillis, (at) => change(url, { failure: { error, at } }))
        )
      const run = request(url).pipe(
        Effect.tapError(noteFailure),
        Effect.onExit((exit) =>
          Effect.sync(() => {
            change(url, { running: undefined })
            Deferred.unsafeDone(shared, exit)
          })
        )
      )
      return Effect.zipRight(Effect.forkIn(Effect.exit(run), scope), Deferred.await(shared))
    })

  return RemoteKeys.of({
    get: (url) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const { failure, known } = entryOf(url)
        if (known !== undefined && now < known.until) return Effect.succeed(known.fetched)
        return failure !== undefined && now < failure.at + pauseAfterFailure ? failure.error : fetch(url)
      }),
    newer: (url, than) =>
      Effect.flatMap(Clock.currentTimeMillis, (now): ReturnType<RemoteKeys["Type"]["newer"]> => {
        const { failure, known } = entryOf(url)
        if (known !== undefined && known.fetched !== than && now < known.until) return Effect.succeedSome(known.fetched)
        if (failure !== undefined && now < failure.at + refreshInterval) return failure.error
        return known !== undefined && now < known.at + refreshInterval ? Effect.succeedNone : Effect.asSome(fetch(url))
      })
  })
})

export const layer = Layer.scoped(RemoteKeys, make)
