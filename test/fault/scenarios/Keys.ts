/**
 * Keys are rotated while tokens are issued at one node and used at the other. The history has the responses to clients. This file
 * records the requests of a client to a guarded route, and the key of each token.
 */
import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import Sqlite from "better-sqlite3"
import * as Postgres from "../../support/Postgres.js"
import type { Client, Clients } from "../support/Clients.js"
import type { Cluster } from "../support/Cluster.js"
import type { Tokens } from "../support/History.js"
import { must, times, tokensOf } from "./Races.js"

/** The key of an access token, which its text contains (ADR 4). */
export const keyOf = (token: string): string => token.slice("lk_at_".length, "lk_at_".length + 8)

/** A token with an unknown key. */
export const forged = (): string =>
  `lk_at_${randomBytes(6).toString("base64url")}${randomBytes(96).toString("base64url")}`

/** The states of the keys by their ids, from `latchkey key list`. */
export const listed = async (cluster: Cluster): Promise<Readonly<Record<string, string>>> => {
  const keys = JSON.parse(await cluster.command(["key", "list", "--json"])) as ReadonlyArray<{
    id: string
    state: string
  }>
  return Object.fromEntries(keys.map(({ id, state }) => [id, state]))
}

/** Publishes the next key, or replaces all keys. Returns the id of the new key. */
export const make = async (cluster: Cluster, verb: "rotate" | "replace"): Promise<string> =>
  (JSON.parse(await cluster.command(["key", verb, "--json"])) as { readonly id: string }).id

/** Makes a published key a minute older in the database, and runs maintenance, which promotes it. */
export const promote = async (cluster: Cluster, postgres: string | undefined): Promise<void> => {
  const earlier = "update root_keys set created_at = created_at - 60000 where turn is null"
  if (postgres === undefined) {
    const db = new Sqlite(cluster.database)
    db.prepare(earlier).run()
    db.close()
  } else await Postgres.query(postgres, `set search_path to latchkey; ${earlier}`)
  await cluster.command(["db", "gc"])
}

/** A client that acts for itself and requests a guarded route. */
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

/** A token, and the node that issued it. */
export interface Made {
  readonly node: number
  readonly token: string
}

/** Interval between two requests of a client in milliseconds, so that the nodes have time for other requests. */
const pace = 100

export interface Traffic {
  /** The issued tokens so far, in the order of each node. */
  readonly made: ReadonlyArray<Made>
  /** The statuses of guarded requests that were refused. */
  readonly refused: ReadonlyArray<number>
  /** Waits for the open requests. */
  readonly stop: () => Promise<void>
}

/**
 * Refreshes each grant at one node after the other, and a client gets its tokens there. With `uses`, each token of one node is
 * used at the other at once.
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

/** New tokens of a client and of a grant from a node. */
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

/** The answers of the nodes to tokens: `200` and `ok` if they are valid. */
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
