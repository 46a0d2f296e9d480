/** Random choices that a seed fixes, so that a case can be played again. */
import { seeded } from "../../fault/support/Seeded.js"

export class Dice {
  readonly #next: () => number

  constructor(seed: number) {
    this.#next = seeded(seed)
  }

  /** The dice of one case of a run: the same whatever the cases before it did. */
  static ofCase(seed: number, index: number): Dice {
    return new Dice(Math.imul(seed, 1_000_003) + Math.imul(index, 7919))
  }

  /** A whole number from 0 to `below - 1`. */
  int(below: number): number {
    return Math.floor(this.#next() * below)
  }

  /** True in `percent` of 100 throws. */
  chance(percent: number): boolean {
    return this.#next() * 100 < percent
  }

  pick<A>(from: ReadonlyArray<A>): A {
    if (from.length === 0) throw new Error("there is nothing to pick from")
    return from[this.int(from.length)] as A
  }

  /** One of these, by its weight. */
  weighted<A extends { readonly weight: number }>(from: ReadonlyArray<A>): A {
    let left = this.#next() * from.reduce((sum, { weight }) => sum + weight, 0)
    for (const one of from) {
      left -= one.weight
      if (left < 0) return one
    }
    return this.pick(from)
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.int(256)))
  }

  /** Letters and digits. */
  word(length: number): string {
    const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return Array.from({ length }, () => letters[this.int(letters.length)]).join("")
  }

  /** An IPv4 address for documentation, or an IPv6 one (RFC 5737, RFC 3849). */
  address(): string {
    return this.chance(70)
      ? `203.0.${this.int(256)}.${this.int(256)}`
      : `2001:db8:${this.int(65_536).toString(16)}:${this.int(65_536).toString(16)}::${this.int(65_536).toString(16)}`
  }
}
