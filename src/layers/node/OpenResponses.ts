/**
 * The responses of a server that have not ended.
 *
 * A `Set` would do, but the garbage collector would keep most requests for seconds: a `Set` that grows and shrinks replaces its
 * table again and again, each replaced table points to the next one, and once one of them is old, all later ones and their
 * responses survive with it until the next full collection. That took a third of the time of a server.
 */
import type { ServerResponse } from "node:http"

export class OpenResponses {
  readonly #responses: Array<ServerResponse | undefined> = []
  readonly #free: Array<number> = []

  /** Adds a response, and returns its place. */
  add(response: ServerResponse): number {
    const place = this.#free.pop() ?? this.#responses.length
    this.#responses[place] = response
    return place
  }

  /** Removes the response at a place. */
  delete(place: number): void {
    this.#responses[place] = undefined
    this.#free.push(place)
  }

  /** Returns all responses. */
  all(): ReadonlyArray<ServerResponse> {
    return this.#responses.filter((response) => response !== undefined)
  }
}
