/**
 * Keys that follow one another while tokens are made at one node and used at the other. What clients were told stands in
 * the history; what is a machine's own, and guarded, is noted here, as is under which key each token came.
 */
import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import Sqlite from "better-sqlite3"
import * as Postgres from "../../support/Postgres.js"
import type { Client, Clients } from "../support/Clients.js"
import type { Cluster } from "../support/Cluster.js"
import type { Tokens } from "../support/History.js"
import { must, times, tokensOf } from "./Races.js"

/** The key that sealed an access token; the text says it (ADR 4). */
export const keyOf = (token: string): string => token.slice("lk_at_".length, "lk_at_".length + 8)

/** What no key sealed that there ever was, and looks as if one had. */
export const forged = (): string =>
  `lk_at_${randomBytes(6).toString("base64url")}${randomBytes(96).toString("base64url")}`

/** The keys as `latchkey key list` shows them: their states by their ids. */
export const listed = async (cluster: Cluster): Promise<Readonly<Record<string, string>>> => {
  const keys = JSON.parse(await cluster.command(["key", "list", "--json"])) as ReadonlyArray<{
    id: string
    state: string
  }>
  return Object.fromEntries(keys.map(({ id, state }) => [id, state]))
}

/** Publishes the next key, or replaces all; answers with the id of the new one. */
export const make = async (cluster: Cluster, verb: "rotate" | "replace"): Promise<string> =>
  (JSON.parse(await cluster.command(["key", verb, "--json"])) as { readonly id: string }).id

/** Has the minute of a published key be over, as far as the database knows, and upkeep come by, which promotes it. */
export const promote = async (cluster: Cluster, postgres: string | undefined): Promise<void> => {
  const earlier = "update root_keys set created_at = created_at - 60000 where turn is null"
  if (postgres === undefined) {
    const db = new Sqlite(cluster.database)
    db.prepare(earlier).run()
    db.close()
  } else await Postgres.query(postgres, `set search_path to latchkey; ${earlier}`)
  await cluster.command(["db", "gc"])
}

/** A client that acts for itself, and asks at a guarded route. */
export interface Machine {
  readonly token: (node: number) => Promise<string>
  /** The answer to a guarded request. */
  readonly ask: (token: string, node: number) => Promise<Response>
}

export const machine = async (cluster: Cluster, clients: Clients): Promise<Machine> => {
  const { client_id, client_secret } = JSON.parse(
    await cluster.command([
      ...["client", "create", "--name", "Machine", "--confidential", "--grant", "client_credentials"],
      ...["--scope", "latchkey:admin", "--json"]
    ])
  )
  const authorization = `Basic ${btoa(`${client_id}:${client_secret}`)}`
  return {
    token: async (node) => {
      const body = new URLSearchParams({ grant_type: "client_credentials", scope: "latchkey:admin" })
      const answer = await clients.fetch("/token", { method: "POST", headers: { authorization }, body }, node)
      return ((await answer.json()) as { readonly access_token: string }).access_token
    },
    ask: (token, node) => clients.fetch("/api/admin/clients", { headers: { authorization: `Bearer ${token}` } }, node)
  }
}

/** A token, and the node that made it. */
export interface Made {
  readonly node: number
  readonly token: string
}

/** From one request of a client to its next, in milliseconds: the nodes are to have time for what else they are told. */
const pace = 100

export interface Traffic {
  /** What was made so far, of each node in the order in which it came. */
  readonly made: ReadonlyArray<Made>
  /** The statuses of guarded requests that were refused. */
  readonly refused: ReadonlyArray<number>
  /** Lets what is under way come to its end. */
  readonly stop: () => Promise<void>
}

/**
 * Each grant is refreshed at one node after the other, and a machine fetches its tokens there. With `uses`, what the one
 * node makes is used at the other at once.
 */
export const traffic = (
  clients: Clients,
  client: Client,
  grants: ReadonlyArray<Tokens>,
  { asMachine, uses }: { readonly asMachine: Machine; readonly uses: boolean }
): Traffic => {
  const made: Array<Made> = []
  const refused: Array<number> = []
  let isOver = false

  const person = async (first: Tokens, index: number) => {
    let current: Tokens | undefined = first
    for (let round = index; current !== undefined && !isOver; round++) {
      const node = round % 2
      const [next]: ReadonlyArray<Tokens> = tokensOf(await clients.refresh(client, current.refresh, { node }))
      if (next !== undefined) {
        made.push({ node, token: next.access })
        if (uses) await clients.use(client, next.access, 1 - node)
      }
      current = next
      await sleep(pace)
    }
  }
  const itself = async () => {
    for (let round = 0; !isOver; round++) {
      const node = round % 2
      const token = await asMachine.token(node)
      made.push({ node, token })
      const { status } = uses ? await asMachine.ask(token, 1 - node) : { status: 200 }
      if (status !== 200) refused.push(status)
      await sleep(pace)
    }
  }
  const ended = Promise.all([...grants.map(person), itself()])
  return {
    made,
    refused,
    stop: async () => {
      isOver = true
      await ended
    }
  }
}

/** New tokens of a machine and of a grant, made at a node. */
export const fresh = async (
  clients: Clients,
  client: Client,
  { refresh }: Tokens,
  asMachine: Machine,
  node: number
) => {
  const [tokens] = tokensOf(await clients.refresh(client, refresh, { node }))
  return { ofGrant: must(tokens), ofMachine: await asMachine.token(node) }
}

/** What the nodes say of tokens: `200` and `ok` where they are good. */
export const opinions = (
  clients: Clients,
  client: Client,
  asMachine: Machine,
  { ofGrant, ofMachine }: { readonly ofGrant: Tokens; readonly ofMachine: string }
) =>
  times(2, async (node) => [
    (await clients.use(client, ofGrant.access, node)).type,
    (await asMachine.ask(ofMachine, node)).status
  ])
