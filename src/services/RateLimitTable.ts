/** A bounded memory of quotas, for however many keys strangers come up with. */

/**
 * When the quota of each key is whole again. A full table forgets an eighth of its keys: those whose quota is whole first,
 * for which forgetting changes least. Whoever comes from many addresses pushes out the little that each of them used, and
 * not somebody who used much.
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
    if (this.size >= this.capacity && !this.#replenishedAt.has(key)) this.#forget()
    this.#replenishedAt.set(key, replenishedAt)
  }

  /** Many at once, since it takes sorting them all: some milliseconds, once in thousands of new keys. */
  #forget(): void {
    const soonest = Array.from(this.#replenishedAt).sort(([, left], [, right]) => left - right)
    for (const [key] of soonest.slice(0, Math.ceil(this.capacity / 8))) this.#replenishedAt.delete(key)
  }
}
