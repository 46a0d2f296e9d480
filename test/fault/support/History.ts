/**
 * The requests and responses of clients: each operation is an `invoke` and then an `ok`, a `fail` or an `unknown`. A result that
 * a client cannot know (the connection broke, or 503) is unknown: the operation may have happened, then or later.
 */

/** The tokens that a client gets for a code or a refresh token. */
export interface Tokens {
  readonly access: string
  readonly refresh: string
}

/** The grants that a revocation ends. A consent is of one subject for one client. */
export type Whose =
  | { readonly of: "Token"; readonly token: string }
  | { readonly of: "Client"; readonly client: string }
  | { readonly of: "Subject"; readonly subject: string }
  | { readonly of: "Consent"; readonly subject: string; readonly client: string }

/** The request and the `ok` response of each operation. Every page, client, code and token has a unique value. */
export interface Actions {
  /** `client` is the name of the client. The response is its id, which all other operations use. */
  readonly Register: { readonly ask: { readonly name: string }; readonly answer: { readonly client: string } }
  /** A user allows the request of a page, or no page is needed. */
  readonly Approve: {
    readonly ask: { readonly page: string; readonly subject: string; readonly client: string }
    readonly answer: { readonly code: string }
  }
  readonly Redeem: { readonly ask: { readonly code: string }; readonly answer: Tokens }
  readonly Refresh: { readonly ask: { readonly token: string }; readonly answer: Tokens }
  /** Whether an access token is valid: `fail` if it is not. */
  readonly Use: { readonly ask: { readonly token: string }; readonly answer: object }
  /** Whether a client is known: `fail` if it is not. */
  readonly Authenticate: { readonly ask: { readonly client: string }; readonly answer: object }
  /** A deletion, a withdrawal or a revocation. Deleted users and clients do not return. */
  readonly Revoke: { readonly ask: Whose; readonly answer: object }
}
export type Kind = keyof Actions

/** A position in the history: `order` counts the lines, `time` is in milliseconds by the clock of the clients. */
export interface Moment {
  readonly order: number
  readonly time: number
}

interface Said<K extends Kind> {
  readonly operation: number
  readonly moment: Moment
  readonly what:
    | { readonly type: "invoke"; readonly client: string; readonly kind: K; readonly ask: Actions[K]["ask"] }
    | { readonly type: "ok"; readonly answer: Actions[K]["answer"] }
    | { readonly type: "fail"; readonly error: string }
    | { readonly type: "unknown" }
}
/** One line of the log. After a server was killed, its open operations have happened or never will. */
export type Entry =
  | { readonly [K in Kind]: Said<K> }[Kind]
  | { readonly operation?: never; readonly moment: Moment; readonly what: { readonly type: "settled" } }

/** An operation from its begin to its end. An unknown operation has no end. */
export interface Operation<K extends Kind = Kind> {
  readonly kind: K
  readonly client: string
  readonly ask: Actions[K]["ask"]
  readonly invoked: Moment
  readonly ended: Moment
  readonly outcome:
    | { readonly type: "ok"; readonly answer: Actions[K]["answer"] }
    | { readonly type: "fail"; readonly error: string }
    | { readonly type: "unknown" }
}

/** The result that a client knows. */
export type Outcome<K extends Kind> = Operation<K>["outcome"]

/** After all operations. */
const never: Moment = { order: Number.POSITIVE_INFINITY, time: Number.POSITIVE_INFINITY }

/** The operations of a log, in the order in which they were invoked. */
export const operations = (entries: ReadonlyArray<Entry>): ReadonlyArray<Operation> => {
  const ends = new Map<number, Entry>()
  const settled = entries.filter(({ what }) => what.type === "settled").map(({ moment }) => moment)
  for (const entry of entries) {
    if (entry.operation !== undefined && entry.what.type !== "invoke") ends.set(entry.operation, entry)
  }
  return entries.flatMap(({ moment, operation, what }) => {
    if (what.type !== "invoke" || operation === undefined) return []
    const { client, kind, ask } = what
    const end = ends.get(operation)
    const known = end !== undefined && (end.what.type === "ok" || end.what.type === "fail")
    const over = settled.find(({ order }) => order > (end?.moment ?? moment).order) ?? never
    const ended = known ? end.moment : over
    const outcome = known ? end.what : { type: "unknown" as const }
    return [{ kind, client, ask, invoked: moment, ended, outcome } as Operation]
  })
}

/** The log of one run, which many clients write. */
export class History {
  readonly entries: Array<Entry> = []
  readonly #clock: () => number
  #operations = 0

  /** `clock` returns the time in milliseconds. It is monotonic, unless the clock of the servers is changed. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  #moment(): Moment {
    return { order: this.entries.length, time: this.#clock() }
  }

  /** Logs that the servers that got requests so far were killed. */
  settle(): void {
    this.entries.push({ moment: this.#moment(), what: { type: "settled" } })
  }

  /** Logs an operation while `run` executes it. `run` returns the result; an exception means unknown. */
  async record<K extends Kind>(
    client: string,
    kind: K,
    ask: Actions[K]["ask"],
    run: () => Promise<Outcome<K>>
  ): Promise<Outcome<K>> {
    const operation = this.#operations++
    this.entries.push({ operation, moment: this.#moment(), what: { type: "invoke", client, kind, ask } } as Entry)
    const what = await run().catch((): Outcome<K> => ({ type: "unknown" }))
    this.entries.push({ operation, moment: this.#moment(), what } as Entry)
    return what
  }
}
