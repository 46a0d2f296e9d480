/**
 * The store of the lower bound: one SQLite file in WAL mode with `synchronous=FULL`, prepared statements, and one commit for all
 * writes of a turn of the event loop. A token carries the id of its row, so rows are only appended.
 */
import { hash, randomFillSync, timingSafeEqual } from "node:crypto"
import * as Path from "node:path"
import Database from "better-sqlite3"

/** An error response. `keeps`: what was written before it is committed. */
export class Refusal extends Error {
  /** @param {number} status @param {string} code @param {boolean} [keeps] */
  constructor(status, code, keeps = false) {
    super(code)
    this.status = status
    this.code = code
    this.keeps = keeps
  }
}

/** @param {string} text */
export const digest = (text) => hash("sha256", text, "buffer")

const pool = Buffer.allocUnsafe(8192)
let drawn = pool.length

/** Returns 256 random bits. They come from a pool, because a call of the generator takes longer than the rest. */
export const newSecret = () => {
  if (drawn === pool.length) {
    randomFillSync(pool)
    drawn = 0
  }
  drawn += 32
  return pool.toString("base64url", drawn - 32, drawn)
}

/** The time in seconds. */
export const now = () => Math.floor(Date.now() / 1000)

export const kinds = { access: 1, refresh: 2 }
const states = { valid: 0, spent: 1, revoked: 2 }

/**
 * @typedef {{ readonly id: string, readonly secret: Buffer | null, readonly redirect: string }} Client
 * @typedef {{
 *   readonly id: number, readonly hash: Buffer, readonly kind: number, readonly client: string, readonly grant_id: number,
 *   readonly scope: string, readonly exp: number, readonly state: number
 * }} Token
 * @typedef {{
 *   readonly client: string, readonly redirect: string, readonly challenge: string, readonly sub: string, readonly scope: string,
 *   readonly exp: number
 * }} Code
 */

/** @param {string} folder */
export const open = (folder) => {
  const db = new Database(Path.join(folder, "bound.db"))
  db.pragma("journal_mode = WAL")
  db.pragma("synchronous = FULL")
  db.pragma("cache_size = -65536")
  db.pragma("mmap_size = 268435456")
  db.pragma("temp_store = MEMORY")
  db.exec(`
    create table clients (id text primary key, secret blob, redirect text, metadata text) without rowid;
    create table sessions (hash blob primary key, sub text, exp int) without rowid;
    create table grants (id integer primary key, client text, sub text, scope text, revoked int default 0);
    create table codes (hash blob primary key, client text, redirect text, challenge text, sub text, scope text, exp int,
      used int default 0) without rowid;
    create table tokens (id integer primary key, hash blob, kind int, client text, grant_id int, scope text, exp int,
      state int default 0);
  `)
  const statements = {
    begin: db.prepare("begin immediate"),
    commit: db.prepare("commit"),
    rollback: db.prepare("rollback"),
    addClient: db.prepare("insert into clients values (?, ?, ?, ?)"),
    session: db.prepare("select sub, exp from sessions where hash = ?"),
    addSession: db.prepare("insert into sessions values (?, ?, ?)"),
    addGrant: db.prepare("insert into grants (client, sub, scope) values (?, ?, ?)"),
    revokeGrant: db.prepare("update grants set revoked = 1 where id = ?"),
    addCode: db.prepare(
      "insert into codes (hash, client, redirect, challenge, sub, scope, exp) values (?, ?, ?, ?, ?, ?, ?)"
    ),
    spendCode: db.prepare(
      "update codes set used = 1 where hash = ? and used = 0 returning client, redirect, challenge, sub, scope, exp"
    ),
    addToken: db.prepare(
      "insert into tokens (id, hash, kind, client, grant_id, scope, exp) values (?, ?, ?, ?, ?, ?, ?)"
    ),
    token: db.prepare("select id, hash, kind, client, grant_id, scope, exp, state from tokens where id = ?"),
    grant: db.prepare("select sub, revoked from grants where id = ?"),
    setState: db.prepare("update tokens set state = ? where id = ? and state = 0")
  }
  let nextId = 1

  /** The clients, all of them: this process is the only writer. @type {Map<string, Client>} */
  const clients = new Map()

  /** @param {string} text */
  const findToken = (text) => {
    const dot = text.indexOf(".")
    if (dot < 1) return undefined
    const row = /** @type {Token | undefined} */ (statements.token.get(Number.parseInt(text.slice(0, dot), 36)))
    return row !== undefined && timingSafeEqual(digest(text.slice(dot + 1)), row.hash) ? row : undefined
  }

  /** @param {number} id */
  const findGrant = (id) =>
    /** @type {{ readonly sub: string, readonly revoked: number } | undefined} */ (statements.grant.get(id))

  /** @type {Array<{ readonly run: () => unknown, readonly done: (result: unknown) => void }>} */
  let waiting = []

  /** Runs all waiting writes in one transaction, and calls back after the commit. */
  const flush = () => {
    const writes = waiting
    waiting = []
    /** @type {Array<unknown>} */
    let results = []
    try {
      statements.begin.run()
      for (const { run } of writes) {
        try {
          results.push(run())
        } catch (error) {
          // Each write decides before it changes a row, so a refusal leaves nothing to undo.
          if (!(error instanceof Refusal)) throw error
          results.push(error)
        }
      }
      statements.commit.run()
    } catch (error) {
      if (db.inTransaction) statements.rollback.run()
      console.error(error)
      results = writes.map(() => new Refusal(500, "server_error"))
    }
    for (const [i, { done }] of writes.entries()) done(results[i])
  }

  return {
    clients,
    /** @param {Client} client @param {string} metadata */
    addClient: (client, metadata) => {
      statements.addClient.run(client.id, client.secret, client.redirect, metadata)
      clients.set(client.id, client)
    },
    /** @param {Buffer} key */
    session: (key) =>
      /** @type {{ readonly sub: string, readonly exp: number } | undefined} */ (statements.session.get(key)),
    /** @param {Buffer} key @param {string} subject */
    addSession: (key, subject) => statements.addSession.run(key, subject, now() + 86_400),
    /** @param {string} client @param {string} subject @param {string} scope */
    addGrant: (client, subject, scope) => Number(statements.addGrant.run(client, subject, scope).lastInsertRowid),
    /** @param {number} id */
    revokeGrant: (id) => statements.revokeGrant.run(id),
    /** @param {Buffer} key @param {Code} code */
    addCode: (key, { challenge, client, exp, redirect, scope, sub }) =>
      statements.addCode.run(key, client, redirect, challenge, sub, scope, exp),
    /** @param {Buffer} key */
    spendCode: (key) => /** @type {Code | undefined} */ (statements.spendCode.get(key)),
    /** @param {number} kind @param {string} client @param {number} grant @param {string} scope @param {number} lifetime */
    issue: (kind, client, grant, scope, lifetime) => {
      const [id, secret] = [nextId++, newSecret()]
      statements.addToken.run(id, digest(secret), kind, client, grant, scope, now() + lifetime)
      return `${id.toString(36)}.${secret}`
    },
    findToken,
    findGrant,
    /** Returns a valid token and its subject. @param {string} text */
    findValid: (text) => {
      const token = findToken(text)
      if (token === undefined || token.state !== states.valid || token.exp <= now()) return undefined
      if (token.grant_id === 0) return { token, subject: undefined }
      const grant = findGrant(token.grant_id)
      return grant === undefined || grant.revoked === 1 ? undefined : { token, subject: grant.sub }
    },
    /** @param {Token} token */
    spend: ({ id }) => statements.setState.run(states.spent, id).changes === 1,
    /** @param {Token} token */
    revoke: ({ id }) => statements.setState.run(states.revoked, id),
    /**
     * Runs a write with the others of this turn of the event loop, and calls `done` after the commit.
     *
     * @template A
     * @param {() => A} run
     * @param {(result: A | Refusal) => void} done
     */
    write: (run, done) => {
      if (waiting.length === 0) setImmediate(flush)
      waiting.push({ run, done: /** @type {(result: unknown) => void} */ (done) })
    },
    close: () => db.close()
  }
}
