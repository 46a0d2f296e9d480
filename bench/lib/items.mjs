/**
 * The operations that the bench measures. An item is prepared once for a server; before each round it checks what must be
 * refused, and renews what the round uses up.
 */
import { Connection, Cookies } from "./http.mjs"
import { closedLoop, connected } from "./load.mjs"
import * as OAuth from "./oauth.mjs"
import { signIn } from "./signIn.mjs"

/** Number of keep-alive connections, each with one request at a time. */
export const connections = 32

/** Number of accounts that a server with a login page must have: one for each connection, and one for checks. */
const accounts = connections + 1

/** Number of tokens that the guarded routes and introspection are called with, in turn. */
const tokenCount = 256

/** Age at which these tokens are replaced, in milliseconds. Latchkey's access tokens expire after 10 minutes. */
const tokenAge = 120_000

/** Maximum number of tokens that a round revokes. */
const maxRevocations = 8_000

/** Number of revoked tokens that are tried afterwards. */
const revokedSample = 8

/** @typedef {import("./load.mjs").Worker} Worker */
/** @typedef {import("./load.mjs").Operation} Operation */

/**
 * What an item works with: a running server, and the workers whose connections are open.
 *
 * @typedef {{
 *   readonly target: import("./targets.mjs").Target, readonly server: import("./process.mjs").Server,
 *   readonly client: OAuth.OAuthClient, readonly workers: ReadonlyArray<Worker>, readonly guardPort: number
 * }} Context
 */

/**
 * `operation` is measured. `warmUp` replaces it during the warm-up. `before` and `after` run around each round, unmeasured.
 *
 * @typedef {{
 *   readonly operation: Operation, readonly warmUp?: Operation, readonly before?: (cpuMillis: number) => Promise<void>,
 *   readonly after?: () => Promise<void>
 * }} Prepared
 */

/**
 * @param {number} port
 * @param {number} index
 * @returns {Worker}
 */
export const makeWorker = (port, index) => ({
  index,
  connection: new Connection(port),
  cookies: new Cookies(),
  refreshToken: "",
  place: index * 7
})

/** @param {Context} context */
export const signInAll = async ({ client, server, target, workers }) => {
  for (const worker of workers) await signIn(target, client, server.port, worker)
}

/** Returns a function that issues one access token in the way of the server. @param {Context} context */
const issuer = async (context) => {
  const { client, target } = context
  if (target.tokensBy === "client_credentials") {
    return /** @param {Worker} worker */ ({ connection }) => client.clientCredentials(connection)
  }
  await signInAll(context)
  return client.codeFlow
}

/** Keeps a list of valid access tokens. @param {Context} context */
const tokenList = async (context) => {
  const issue = await issuer(context)
  /** @type {Array<string>} */
  let tokens = []
  let issuedAt = 0
  const renew = async () => {
    if (tokens.length > 0 && performance.now() - issuedAt < tokenAge) return
    tokens = []
    issuedAt = performance.now()
    const issueOne = async (/** @type {Worker} */ worker) => tokens.push(await issue(worker))
    await closedLoop(context.server, context.workers, issueOne, { cpuMillis: 1e9, maxOperations: tokenCount })
  }
  /** @param {Worker} worker */
  const next = (worker) => tokens[worker.place++ % tokens.length] ?? ""
  await renew()
  return { next, renew }
}

/**
 * A guarded route. Before each round it must refuse a request without a token, nonsense, and a token whose end was changed.
 *
 * @param {Context} context
 * @param {string} path
 * @param {number} port
 * @returns {Promise<Prepared>}
 */
const guardedRoute = async (context, path, port) => {
  const { client } = context
  const tokens = await tokenList(context)
  const callers = context.workers.map(({ index }) => makeWorker(port, index))
  /** @param {Worker} worker */
  const caller = (worker) => callers[worker.index] ?? worker
  const before = async () => {
    await tokens.renew()
    const [first] = callers
    if (first === undefined) return
    const token = tokens.next(first)
    const changed = token.slice(0, -4) + (token.endsWith("AAAA") ? "BBBB" : "AAAA")
    for (const invalid of [undefined, "nonsense-nonsense-nonsense", changed]) {
      await client.callRefused(first.connection, path, invalid)
    }
    await Promise.all(callers.map(({ connection }) => connection.open()))
  }
  const after = async () => {
    for (const { connection } of callers) connection.close()
  }
  const operation = async (/** @type {Worker} */ worker) =>
    client.callApi(caller(worker).connection, path, tokens.next(worker))
  return { operation, before, after }
}

/** @type {Record<string, { readonly label: string, readonly prepare: (context: Context) => Promise<Prepared> }>} */
export const items = {
  open: {
    label: "open route",
    prepare: async ({ client, target }) => ({
      operation: ({ connection }) => client.callApi(connection, target.open)
    })
  },
  guard: {
    label: "guarded route",
    prepare: (context) => guardedRoute(context, context.target.guarded, context.server.port)
  },
  makeGuard: {
    label: "`makeGuard` on node:http",
    prepare: (context) => guardedRoute(context, context.target.makeGuard ?? "", context.guardPort)
  },
  client_credentials: {
    label: "client_credentials",
    prepare: async ({ client }) => ({ operation: ({ connection }) => client.clientCredentials(connection) })
  },
  flow: {
    label: "code flow",
    prepare: async (context) => {
      await signInAll(context)
      return { operation: context.client.codeFlow }
    }
  },
  refresh: {
    label: "refresh",
    prepare: async (context) => {
      const { client, server, target } = context
      await signInAll(context)
      // A server may end the session whose token was used twice, so each check has a browser of its own.
      const before = async () => {
        const spare = makeWorker(server.port, connections)
        await signIn(target, client, server.port, spare)
        await client.checkSpentToken(spare)
        spare.connection.close()
      }
      return { operation: client.refresh, before }
    }
  },
  introspect: {
    label: "introspect",
    prepare: async (context) => {
      const { client, workers } = context
      const tokens = await tokenList(context)
      const before = async () => {
        await tokens.renew()
        const [first] = workers
        const active = first && (await client.introspect(first.connection, "nonsense"))
        if (active !== false) throw new Error("introspect: a nonsense token is active")
      }
      const operation = async (/** @type {Worker} */ worker) => {
        const active = await client.introspect(worker.connection, tokens.next(worker))
        if (active !== true) throw new Error("introspect: a valid token is not active")
      }
      return { operation, before }
    }
  },
  revoke: {
    label: "revoke",
    prepare: async (context) => {
      const { client, server, target, workers } = context
      const issue = await issuer(context)
      /** @type {Array<string>} */
      let tokens = []
      let revoked = 0
      const before = async (/** @type {number} */ cpuMillis) => {
        tokens = []
        revoked = 0
        const issueOne = async (/** @type {Worker} */ worker) => tokens.push(await issue(worker))
        await closedLoop(server, workers, issueOne, { cpuMillis: cpuMillis * 1.5, maxOperations: maxRevocations })
      }
      const operation = async (/** @type {Worker} */ { connection }) => {
        const token = tokens[revoked++]
        return token === undefined ? false : client.revoke(connection, token)
      }
      const after = async () => {
        const [first] = workers
        const count = Math.min(revoked, tokens.length)
        for (let i = 0; first !== undefined && i < count; i += Math.ceil(count / revokedSample)) {
          const token = tokens[i] ?? ""
          if (target.leftOut?.introspect !== undefined)
            await client.callRefused(first.connection, target.guarded, token)
          else if (await client.introspect(first.connection, token)) throw new Error("a revoked token is active")
        }
      }
      const warmUp = async (/** @type {Worker} */ worker) => client.revoke(worker.connection, await issue(worker))
      return { operation, warmUp, before, after }
    }
  },
  register: {
    label: "register",
    prepare: async ({ client }) => ({ operation: ({ connection }) => client.register(connection) })
  },
  metadata: {
    label: "metadata",
    prepare: async ({ client, workers: [first] }) => {
      const expected = first === undefined ? "" : await client.metadata(first.connection)
      const { issuer, token_endpoint } = JSON.parse(expected)
      if (!issuer || !token_endpoint) throw new Error(`metadata is incomplete: ${expected}`)
      const operation = async (/** @type {Worker} */ { connection }) => {
        if ((await client.metadata(connection)) !== expected) throw new Error("metadata has changed")
      }
      return { operation }
    }
  }
}

/** The number of accounts that Latchkey must have for an item. @param {string} item */
export const accountsFor = (item) => (item === "flow" || item === "refresh" ? accounts : 0)

/** Reasons why an item is left out on a server, or undefined. @param {string} item @param {import("./targets.mjs").Target} target */
export const reasonToLeaveOut = (item, target) =>
  item === "makeGuard" && target.makeGuard === undefined ? "not a part of it" : target.leftOut?.[item]

/**
 * Runs one round of a prepared item: what goes before, the measured operations, what goes after.
 *
 * @param {Context} context
 * @param {Prepared} prepared
 * @param {number} cpuMillis
 */
export const round = async (context, { after, before, operation }, cpuMillis) => {
  /** @type {import("./statistics.mjs").Round | undefined} */
  let result
  context.client.forget()
  await connected(context.workers, async () => {
    await before?.(cpuMillis)
    result = await closedLoop(context.server, context.workers, operation, { cpuMillis })
    await after?.()
  })
  if (result === undefined) throw new Error("the round has no result")
  return result
}

/**
 * Prepares an item, and runs it until the server has used `cpuMillis` of processor time.
 *
 * @param {Context} context
 * @param {string} item
 * @param {number} cpuMillis
 */
export const prepare = async (context, item, cpuMillis) => {
  /** @type {Prepared | undefined} */
  let prepared
  await connected(context.workers, async () => {
    prepared = await items[item]?.prepare(context)
  })
  if (prepared === undefined) throw new Error(`no item is named ${item}; there are ${Object.keys(items).join(", ")}`)
  const { warmUp, ...measured } = prepared
  if (warmUp === undefined) await round(context, measured, cpuMillis)
  else {
    context.client.forget()
    await connected(context.workers, async () => {
      await closedLoop(context.server, context.workers, warmUp, { cpuMillis })
    })
    await round(context, measured, cpuMillis / 10)
  }
  return measured
}
