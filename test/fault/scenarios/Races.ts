/**
 * Races between processes that share only a database. Each scenario plays one race and returns its counts. The history has the
 * responses to clients, which the checker reads afterwards.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Client, Clients, Code, Person } from "../support/Clients.js"
import type { Outcome, Tokens } from "../support/History.js"
import type { Operator } from "../support/Operator.js"

export const times = <A>(count: number, run: (index: number) => Promise<A>): Promise<ReadonlyArray<A>> =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)))

/** Runs over a list with a fixed concurrency. */
export const inTurns = async <A, B>(
  all: ReadonlyArray<A>,
  atOnce: number,
  run: (one: A) => Promise<B>
): Promise<Array<B>> => {
  const results: Array<B> = []
  const waiting = all.entries()
  const worker = async () => {
    for (const [index, one] of waiting) results[index] = await run(one)
  }
  await times(atOnce, worker)
  return results
}

export const tokensOf = (outcome: Outcome<"Redeem"> | Outcome<"Refresh">): ReadonlyArray<Tokens> =>
  outcome.type === "ok" ? [outcome.answer] : []

export const must = <A>(value: A | undefined): A => {
  if (value === undefined) throw new Error("a request that nothing disturbs was not answered")
  return value
}

/** A client with a consent, so that each visit returns a code. */
export const allowedClient = async (clients: Clients, person: Person): Promise<Client> => {
  const client = must(await clients.register())
  must(await (await clients.consent(client, person))())
  return client
}

/** A new grant and its tokens. */
export const grant = async (clients: Clients, client: Client, person: Person): Promise<Tokens> => {
  const [tokens] = tokensOf(await clients.redeem(client, must(await clients.visit(client, person))))
  return must(tokens)
}

/** Whether both tokens are valid: the access token, and the tokens that the refresh token returns. */
const works = async (clients: Clients, client: Client, { access, refresh }: Tokens): Promise<boolean> => {
  const used = await clients.use(client, access)
  const [next] = tokensOf(await clients.refresh(client, refresh))
  return used.type === "ok" && next !== undefined && (await clients.use(client, next.access)).type === "ok"
}

/** Redeems each code many times at once at all nodes. Counts the successes, and the valid tokens afterwards. */
export const codes = async (
  clients: Clients,
  person: Person,
  size: { readonly codes: number; readonly at: number }
) => {
  const client = await allowedClient(clients, person)
  const all = await inTurns(Array.from({ length: size.codes }), 16, () => clients.visit(client, person))
  const redeemed = await inTurns(all, 50, (code) => times(size.at, () => clients.redeem(client, must(code))))
  const issued = redeemed.flat().flatMap(tokensOf)
  const working = await inTurns(issued, 16, (tokens) => works(clients, client, tokens))
  return { codes: size.codes, successes: issued.length, working: working.filter(Boolean).length }
}

/**
 * Honest clients with six tasks that share one refresh token. Each task reads it, lags, presents it, often retries without waiting
 * for the response, and stores the result, which may be older than the stored token. Counts the valid grants in the end.
 */
export const honest = async (
  clients: Clients,
  person: Person,
  size: { readonly clients: number; readonly rounds: number; readonly random: () => number }
) => {
  const client = await allowedClient(clients, person)
  const play = async () => {
    let stored = await grant(clients, client, person)
    await times(6, async () => {
      for (let round = 0; round < size.rounds; round++) {
        const { refresh } = stored
        await sleep(size.random() * 20)
        const impatient = size.random() < 0.3 ? { signal: AbortSignal.timeout(Math.floor(size.random() * 15)) } : {}
        const [tokens] = tokensOf(await clients.refresh(client, refresh, impatient))
        if (tokens !== undefined) stored = tokens
      }
    })
    return works(clients, client, stored)
  }
  const living = await inTurns(Array.from({ length: size.clients }), 10, play)
  return { clients: size.clients, living: living.filter(Boolean).length }
}

/** Submits each consent page several times at once to all nodes. Counts the pages and the codes. */
export const consents = async (
  clients: Clients,
  person: Person,
  size: { readonly pages: number; readonly at: number }
) => {
  const client = must(await clients.register())
  const pages = await times(size.pages, () => clients.consent(client, person))
  const given = await Promise.all(pages.map((send) => times(size.at, () => send())))
  const distinct = new Set(given.flat().map((code) => code?.code))
  await inTurns([...given.map(([code]) => must(code))], 16, (code) => clients.redeem(client, code))
  return { pages: size.pages, codes: distinct.size }
}

/** Registers clients at all nodes at once. Counts them, and those that every node knows at once. */
export const registrations = async (clients: Clients, size: { readonly clients: number; readonly nodes: number }) => {
  const registered = await times(size.clients, (index) => clients.register(index))
  const known = await times(size.clients, async (index) => {
    const client = must(registered[index])
    const seen = await times(size.nodes, (node) => clients.authenticate(client, node))
    return seen.every(({ type }) => type === "ok")
  })
  return { clients: size.clients, known: known.filter(Boolean).length }
}

/** The kind of end in the race. */
export type Ending = "Token" | "Consent" | "Client" | "Subject"

/**
 * Refreshes and uses a grant, redeems another code and requests more codes, while all of them are revoked. Tries every issued token
 * afterwards, and counts the valid ones: after a withdrawal those that the user allowed again meanwhile, otherwise none.
 */
export const ending = async (
  clients: Clients,
  operator: Operator,
  which: Ending,
  round: number,
  random: () => number
) => {
  const name = `person-${which.toLowerCase()}-${round}`
  const id = which === "Subject" ? await operator.createUser(name) : ""
  const person = which === "Subject" ? await clients.logIn(name) : await clients.logIn()
  const client = await allowedClient(clients, person)
  const held = await grant(clients, client, person)
  const code = must(await clients.visit(client, person))
  const withdraw = which === "Consent" ? await clients.withdraw(client, person) : undefined
  const end = {
    Token: () => clients.giveBack(client, held.refresh),
    Consent: () => must(withdraw)(),
    Client: () => operator.deleteClient(client),
    Subject: () => operator.deleteUser(name, id)
  }[which]

  // Around the moment of the end.
  const visit = () => sleep(random() * 10).then(() => clients.visit(client, person))
  const [refreshed, redeemed, , , ...made] = await Promise.all([
    clients.refresh(client, held.refresh),
    clients.redeem(client, code),
    clients.use(client, held.access),
    sleep(random() * 10).then(end),
    ...Array.from({ length: 6 }, visit)
  ])
  const codes = made.filter((one): one is Code => one !== undefined)
  const late = await Promise.all(codes.map((one) => clients.redeem(client, one)))
  // The revocation of a token ends only its own grant.
  const own =
    which === "Token" ? [held, ...tokensOf(refreshed)] : [held, ...[refreshed, redeemed, ...late].flatMap(tokensOf)]
  const alive = await Promise.all(own.map((tokens) => clients.use(client, tokens.access)))
  const refreshable = await Promise.all(own.map((tokens) => clients.refresh(client, tokens.refresh)))
  return [...alive, ...refreshable].filter(({ type }) => type === "ok").length
}

/**
 * A thief rotates a stolen refresh token again and again. One window later its owner presents the stolen token. Counts the valid
 * tokens of the thief.
 */
export const thief = async (
  clients: Clients,
  person: Person,
  size: { readonly rotations: number; readonly window: number }
) => {
  const client = await allowedClient(clients, person)
  const stolen = await grant(clients, client, person)
  const begun = performance.now()
  let loot = stolen
  for (let i = 0; i < size.rotations; i++) loot = must(tokensOf(await clients.refresh(client, loot.refresh))[0])
  await sleep(Math.max(0, begun + size.window - performance.now()))
  const left = [
    await clients.refresh(client, stolen.refresh),
    await clients.refresh(client, loot.refresh),
    await clients.use(client, loot.access)
  ]
  return { rotations: size.rotations, left: left.filter(({ type }) => type === "ok").length }
}
