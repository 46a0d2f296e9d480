/** Two adapters of oidc-provider: maps that never evict, and one SQLite table with JSON payloads. */
import * as Path from "node:path"
import Database from "better-sqlite3"
import { DATA, tune } from "./serve.mjs"

const now = () => Math.floor(Date.now() / 1000)

const stores = new Map()
const idsOfGrant = new Map()
const idOfUid = new Map()

export class MapAdapter {
  constructor(name) {
    this.name = name
    if (!stores.has(name)) stores.set(name, new Map())
    this.store = stores.get(name)
  }

  async upsert(id, payload) {
    this.store.set(id, payload)
    if (payload.grantId && !["Session", "Grant", "Interaction"].includes(this.name)) {
      if (!idsOfGrant.has(payload.grantId)) idsOfGrant.set(payload.grantId, new Set())
      idsOfGrant.get(payload.grantId).add(`${this.name}:${id}`)
    }
    if (payload.uid) idOfUid.set(payload.uid, id)
  }

  async find(id) {
    return this.store.get(id)
  }

  async findByUid(uid) {
    return this.store.get(idOfUid.get(uid))
  }

  async consume(id) {
    const payload = this.store.get(id)
    if (payload) payload.consumed = now()
  }

  async destroy(id) {
    const payload = this.store.get(id)
    this.store.delete(id)
    if (payload?.grantId) idsOfGrant.get(payload.grantId)?.delete(`${this.name}:${id}`)
    if (payload?.uid && idOfUid.get(payload.uid) === id) idOfUid.delete(payload.uid)
  }

  async revokeByGrantId(grantId) {
    for (const key of idsOfGrant.get(grantId) ?? []) {
      const colon = key.indexOf(":")
      stores.get(key.slice(0, colon))?.delete(key.slice(colon + 1))
    }
    idsOfGrant.delete(grantId)
  }
}

const withGrant = new Set(["AccessToken", "AuthorizationCode", "RefreshToken", "DeviceCode"])

/** Opens the file. Returns the class of the adapter, and how to close the file. */
export const sqlite = () => {
  const db = tune(new Database(Path.join(DATA, "oidc.db")))
  db.exec(`
    create table oidc (model text, id text, payload text, grant_id text, uid text, expires_at int, consumed_at int,
      primary key (model, id)) without rowid;
    create index oidc_grant on oidc (grant_id) where grant_id is not null;
    create index oidc_uid on oidc (uid) where uid is not null;
  `)
  const upsert = db.prepare(
    `insert into oidc (model, id, payload, grant_id, uid, expires_at) values (?, ?, ?, ?, ?, ?)
     on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
       expires_at = excluded.expires_at`
  )
  const byId = db.prepare("select payload, expires_at, consumed_at from oidc where model = ? and id = ?")
  const byUid = db.prepare("select payload, expires_at, consumed_at from oidc where uid = ? and model = ?")
  const consume = db.prepare("update oidc set consumed_at = ? where model = ? and id = ?")
  const destroy = db.prepare("delete from oidc where model = ? and id = ?")
  const revoke = db.prepare("delete from oidc where grant_id = ?")
  const read = (row) => {
    if (!row || (row.expires_at && row.expires_at < now())) return undefined
    const payload = JSON.parse(row.payload)
    if (row.consumed_at) payload.consumed = row.consumed_at
    return payload
  }

  class Adapter {
    constructor(name) {
      this.name = name
    }

    async upsert(id, payload, expiresIn) {
      const grant = withGrant.has(this.name) ? (payload.grantId ?? null) : null
      const uid = this.name === "Session" ? (payload.uid ?? null) : null
      upsert.run(this.name, id, JSON.stringify(payload), grant, uid, expiresIn ? now() + expiresIn : null)
    }

    async find(id) {
      return read(byId.get(this.name, id))
    }

    async findByUid(uid) {
      return read(byUid.get(uid, this.name))
    }

    async consume(id) {
      consume.run(now(), this.name, id)
    }

    async destroy(id) {
      destroy.run(this.name, id)
    }

    async revokeByGrantId(grantId) {
      revoke.run(grantId)
    }
  }
  return { Adapter, close: () => db.close() }
}
