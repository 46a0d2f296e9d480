/** Passwords by Argon2id (RFC 9106; the library's default algorithm), on the thread pool, behind a fair queue. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as HashingQueue from "../../services/accounts/HashingQueue.js"
import { type Applicant, PasswordHasher } from "../../services/accounts/PasswordHasher.js"
import * as NativeModule from "../files/NativeModule.js"

/** How much a hash costs. */
export interface Options {
  /** KiB of memory. */
  readonly memoryCost: number
  /** Passes over it. */
  readonly timeCost: number
}

/** The OWASP password storage cheat sheet's first choice for Argon2id. */
const defaults: Options = { memoryCost: 19_456, timeCost: 2 }

/**
 * The native module, loaded with the layer, so that a command that hashes nothing works without it. A module that cannot
 * be loaded is a defect that names it and the command that builds it.
 */
const load = Effect.promise(async () => {
  try {
    return await import("@node-rs/argon2")
  } catch (cause) {
    throw NativeModule.isUnloadable(cause)
      ? new NativeModule.NativeModuleError(NativeModule.notInstalled("@node-rs/argon2"), { cause })
      : cause
  }
})

/** Hashes with these costs; a hash made with others is checked with its own. */
export const layer = ({ memoryCost, timeCost }: Options = defaults) =>
  Layer.effect(
    PasswordHasher,
    Effect.gen(function* () {
      const Argon2 = yield* load
      const queue = yield* HashingQueue.make
      // A hash that fails is a fault of the program or of what is stored, and waiting does not mend it: a defect.
      const queued = <A>(applicant: Applicant, work: () => Promise<A>) => queue.run(applicant, Effect.promise(work))
      // A hash of no password: its salt is 16 zero bytes, and its hash 32.
      const ofNobody = `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=1$${"A".repeat(22)}$${"A".repeat(43)}`

      return PasswordHasher.of({
        hash: Effect.fn("PasswordHasher.hash")((password, applicant) =>
          queued(applicant, () => Argon2.hash(Redacted.value(password), { memoryCost, timeCost, parallelism: 1 })).pipe(
            Effect.map((hash) => Redacted.make(hash))
          )
        ),
        verify: Effect.fn("PasswordHasher.verify")((hash, password, applicant) =>
          queued(applicant, () =>
            Argon2.verify(
              Option.match(hash, { onNone: () => ofNobody, onSome: Redacted.value }),
              Redacted.value(password)
            )
          )
        )
      })
    })
  )
