/** Counts the calls of Node's cryptography, which show that two requests cost the same where a clock would only guess. */
import crypto from "node:crypto"
import { syncBuiltinESMExports } from "node:module"

const names = ["hash", "createHmac", "timingSafeEqual"] as const

/** Number of calls of each function. */
export type Counts = Readonly<Record<(typeof names)[number], number>>

/** Returns the number of calls of each function while `run` runs in this process. */
export const during = async (run: () => unknown): Promise<Counts> => {
  const counts = { hash: 0, createHmac: 0, timingSafeEqual: 0 }
  const originals = names.map((name) => [name, crypto[name]] as const)
  for (const [name, original] of originals) {
    const counted = (...args: ReadonlyArray<unknown>) => {
      counts[name] += 1
      return Reflect.apply(original, crypto, args)
    }
    Object.defineProperty(crypto, name, { configurable: true, writable: true, value: counted })
  }
  syncBuiltinESMExports()
  try {
    await run()
  } finally {
    for (const [name, value] of originals) {
      Object.defineProperty(crypto, name, { configurable: true, writable: true, value })
    }
    syncBuiltinESMExports()
  }
  return counts
}
