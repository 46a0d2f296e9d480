/** A bounded memory of quotas, for however many keys strangers come up with. */
import * as Iterable from "effect/Iterable"

/** How many keys are looked at to find one to forget. */
const candidates = 8

/**
 * When the quota of each key is whole again. In a full table a new key takes the place of another: of those longest left
 * alone, the one whose quota is whole again first. Whoever comes from many addresses pushes out the little that each of
 * them used, and not somebody who used much.
 */
export class RateLimitTable {
  readonly #replenishedAt = new Map<string, number>()

  constructor(readonly capacity: number) {}

  get size(): number {
    return this.#replenishedAt.size
  }

  /** Epoch milliseconds; long ago for a key that is not known. */
  get(key: string): number {
    return this.#replenishedAt.get(key) ?? 0
  }

  set(key: string, replenishedAt: number): void {
    if (!this.#replenishedAt.delete(key) && this.size >= this.capacity) this.#forgetOne()
    this.#replenishedAt.set(key, replenishedAt)
  }

  #forgetOne(): void {
    const longestLeftAlone = Array.from(Iterable.take(this.#replenishedAt, candidates))
    const [forgotten, ...kept] = longestLeftAlone.sort(([, left], [, right]) => left - right)
    if (forgotten !== undefined) this.#replenishedAt.delete(forgotten[0])
    // They go behind the others, so that next time others are looked at.
    for (const [key, replenishedAt] of kept) {
      this.#replenishedAt.delete(key)
      this.#replenishedAt.set(key, replenishedAt)
    }
  }
}
