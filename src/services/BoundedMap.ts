/**
 * A map that forgets its oldest entry when it is full.
 *
 * @example
 * import { BoundedMap } from "./BoundedMap.js"
 *
 * const lengths = new BoundedMap<string, number>(1000)
 * lengths.remember("token", 5)
 */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>()

  /** `capacity` is the maximum number of entries. */
  constructor(readonly capacity: number) {}

  /** Returns the value of a key; `undefined` if there is none. */
  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  /** Sets the value of a key, and returns the value. */
  remember(key: K, value: V): V {
    if (this.#entries.size >= this.capacity && !this.#entries.has(key)) this.#forgetOldest()
    this.#entries.set(key, value)
    return value
  }

  #forgetOldest() {
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }
}
