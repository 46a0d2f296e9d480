/** Things that cases leave for later cases, such as codes and tokens: the oldest go when there are too many. */
import type { Dice } from "./Dice.js"

export class Pool<A> {
  readonly #items: Array<A> = []
  readonly #atMost: number

  constructor(atMost: number) {
    this.#atMost = atMost
  }

  get all(): ReadonlyArray<A> {
    return this.#items
  }

  put(item: A): void {
    this.#items.push(item)
    if (this.#items.length > this.#atMost) this.#items.shift()
  }

  /** One of them, which others may use at the same time. */
  peek(dice: Dice): A | undefined {
    return this.#items.length === 0 ? undefined : dice.pick(this.#items)
  }

  /** One of them, which nobody else gets until it is put back. */
  take(dice: Dice): A | undefined {
    return this.#items.splice(dice.int(Math.max(1, this.#items.length)), 1)[0]
  }
}
