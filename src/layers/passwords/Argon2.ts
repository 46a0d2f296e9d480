/** Hashes passwords with Argon2id (RFC 9106; the default algorithm of the library), on the thread pool, behind a fair queue. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as HashingQueue from "../../services/accounts/HashingQueue.js"
import { type Applicant, PasswordHasher } from "../../services/accounts/PasswordHasher.js"
import * as NativeModule from "../files/NativeModule.js"

/** The cost of a hash. */
export interface Options {
  /** Memory in KiB. */
  readonly memoryCost: number
  /** Number of passes over the memory. */
  readonly timeCost: number
}

/** The first choice of the OWASP password storage cheat sheet for Argon2id. */
const defaults: Options = { memoryCost: 19_456, timeCost: 2 }

/**
 * Loads the native module when the layer is built, so that a command that hashes nothing works without it. If the module cannot
 * be loaded, the defect names it and the command that builds it.
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

/** Hashes with these costs. A stored hash is verified with its own costs. */
export const layer = ({ memoryCost, timeCost }: Options = defaults) =>
  Layer.effect(
    PasswordHasher,
    Effect.gen(function* () {
      const Argon2 = yield* load
      const queue = yield* HashingQueue.make
      // A failing hash is a fault of the program or of the stored data. A retry does not help, so it is a defect.
      const queued = <A>(applicant: Applicant, work: () => Promise<A>) => queue.run(applicant, Effect.promise(work))
      // A hash that no password matches: 16 zero bytes of salt and 32 of hash. It is verified for unknown usernames.
      const unmatched = `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=1$${"A".repeat(22)}$${"A".repeat(43)}`

      return PasswordHasher.of({
        hash: Effect.fn("PasswordHasher.hash")((password, applicant) =>
          queued(applicant, () => Argon2.hash(Redacted.value(password), { memoryCost, timeCost, parallelism: 1 })).pipe(
            Effect.map((hash) => Redacted.make(hash))
          )
        ),
        verify: Effect.fn("PasswordHasher.verify")((hash, password, applicant) =>
          queued(applicant, () =>
            Argon2.verify(
              Option.match(hash, { onNone: () => unmatched, onSome: Redacted.value }),
              Redacted.value(password)
            )
          )
        )
      })
    })
  )
