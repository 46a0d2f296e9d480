/**
 * A few services over those of a server. `Context.add` copies the whole map, which has some hundred services, and a request
 * adds a handful.
 *
 * @example
 * import * as Context from "effect/Context"
 * import { Overlay } from "./Overlay.js"
 *
 * declare const server: Context.Context<never>
 * const context = Context.unsafeMake<never>(new Overlay(server.unsafeMap))
 */

/** The map of a context: its own services first, and those of `below` for every other key. No service is `undefined`. */
export class Overlay extends Map<string, unknown> {
  constructor(readonly below: ReadonlyMap<string, unknown>) {
    super()
  }

  override get(key: string): unknown {
    const own = super.get(key)
    return own === undefined ? this.below.get(key) : own
  }

  override has(key: string): boolean {
    return super.has(key) || this.below.has(key)
  }

  /** All services, in one map, for code that reads or copies all of them. */
  get #all(): Map<string, unknown> {
    const all = new Map(this.below)
    super.forEach((service, key) => {
      all.set(key, service)
    })
    return all
  }

  override get size(): number {
    let size = this.below.size
    super.forEach((_, key) => {
      if (!this.below.has(key)) size++
    })
    return size
  }

  override forEach(use: (service: unknown, key: string, map: Map<string, unknown>) => void): void {
    this.#all.forEach(use)
  }

  override keys() {
    return this.#all.keys()
  }

  override values() {
    return this.#all.values()
  }

  override entries() {
    return this.#all.entries()
  }

  override [Symbol.iterator]() {
    return this.#all.entries()
  }
}
