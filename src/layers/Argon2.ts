/** Passwords by Argon2id (RFC 9106; the library's default algorithm), on the thread pool, in a bounded queue. */
import * as Argon2 from "@node-rs/argon2"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { TemporarilyUnavailable } from "../domain/OAuthError.js"
import { PasswordHasher } from "../services/PasswordHasher.js"

/** How much a hash costs. */
export interface Options {
  /** KiB of memory. */
  readonly memoryCost: number
  /** Passes over it. */
  readonly timeCost: number
}

/** The OWASP password storage cheat sheet's first choice for Argon2id. */
const defaults: Options = { memoryCost: 19_456, timeCost: 2 }

/** As many hashes run at once, so that the pool's other threads stay free for the rest of Node's work. */
const running = 2

/** As many more may wait; the next is told to come back. Two at a time, the last of them waits about a second. */
const waiting = 64

const unavailable = (cause?: unknown) =>
  new TemporarilyUnavailable({ reason: "HashingBusy", description: "try again in a moment", cause })

/** Hashes with these costs; a hash made with others is checked with its own. */
export const layer = ({ memoryCost, timeCost }: Options = defaults) =>
  Layer.effect(
    PasswordHasher,
    Effect.gen(function* () {
      const turns = yield* Effect.makeSemaphore(running)
      let inside = 0
      const queued = <A>(work: () => Promise<A>): Effect.Effect<A, TemporarilyUnavailable> =>
        Effect.suspend(() => {
          if (inside >= running + waiting) return unavailable()
          inside += 1
          return Effect.tryPromise({ try: work, catch: unavailable }).pipe(
            turns.withPermits(1),
            Effect.ensuring(Effect.sync(() => (inside -= 1)))
          )
        })
      // What has this form and no password: 16 and 32 zero bytes where salt and hash stand.
      const ofNobody = `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=1$${"A".repeat(22)}$${"A".repeat(43)}`

      return PasswordHasher.of({
        hash: Effect.fn("PasswordHasher.hash")((password) =>
          queued(() => Argon2.hash(Redacted.value(password), { memoryCost, timeCost, parallelism: 1 })).pipe(
            Effect.map((hash) => Redacted.make(hash))
          )
        ),
        verify: Effect.fn("PasswordHasher.verify")((hash, password) =>
          queued(() =>
            Argon2.verify(
              Option.match(hash, { onNone: () => ofNobody, onSome: Redacted.value }),
              Redacted.value(password)
            )
          )
        )
      })
    })
  )
