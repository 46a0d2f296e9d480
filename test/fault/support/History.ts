/**
 * What clients did, and what they were told: each operation is an `invoke` and then an `ok`, a `fail` or an `unknown`.
 * Whatever a client cannot know (the connection broke, or 503) is unknown: it may have happened, then or later.
 */

/** What a client gets for a code or a refresh token. */
export interface Tokens {
  readonly access: string
  readonly refresh: string
}

/** Whose grants a revocation takes away. A consent is one subject's for one client. */
export type Whose =
  | { readonly of: "Token"; readonly token: string }
  | { readonly of: "Client"; readonly client: string }
  | { readonly of: "Subject"; readonly subject: string }
  | { readonly of: "Consent"; readonly subject: string; readonly client: string }

/** What is asked, and what an `ok` answers. Every value is unique: a page, a client, a code, a token is named once. */
export interface Actions {
  /** `client` is the client's name; the answer is the id by which all others know it. */
  readonly Register: { readonly ask: { readonly name: string }; readonly answer: { readonly client: string } }
  /** A person allows what a page shows, or visits where nothing need be asked. */
  readonly Approve: {
    readonly ask: { readonly page: string; readonly subject: string; readonly client: string }
    readonly answer: { readonly code: string }
  }
  readonly Redeem: { readonly ask: { readonly code: string }; readonly answer: Tokens }
  readonly Refresh: { readonly ask: { readonly token: string }; readonly answer: Tokens }
  /** Whether an access token is good: `fail` when it is not. */
  readonly Use: { readonly ask: { readonly token: string }; readonly answer: object }
  /** Whether a client is known: `fail` when it is not. */
  readonly Authenticate: { readonly ask: { readonly client: string }; readonly answer: object }
  /** A deletion, a withdrawal or a revocation; who was taken away does not come back. */
  readonly Revoke: { readonly ask: Whose; readonly answer: object }
}
export type Kind = keyof Actions

/** A place in the history, and in time: `order` counts what happened, `time` is milliseconds of the clients' clock. */
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
/** One line of the log. Once a server is gone, what it did not answer is settled: it has happened, or never will. */
export type Entry =
  | { readonly [K in Kind]: Said<K> }[Kind]
  | { readonly operation?: never; readonly moment: Moment; readonly what: { readonly type: "settled" } }

/** An operation from its beginning to its end; what is unknown has none. */
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

/** What a client came to know. */
export type Outcome<K extends Kind> = Operation<K>["outcome"]

/** After everything. */
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

  /** `clock` tells the time in milliseconds: a monotonic one, unless the servers' clock is moved. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  #moment(): Moment {
    return { order: this.entries.length, time: this.#clock() }
  }

  /** Logs that whoever was asked so far is gone. */
  settle(): void {
    this.entries.push({ moment: this.#moment(), what: { type: "settled" } })
  }

  /** Logs an operation around what does it. `run` says how it ended; whatever it throws leaves that unknown. */
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
