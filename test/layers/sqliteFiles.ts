/** Opening and damaging SQLite files. */
import * as Fs from "node:fs"
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Issuer } from "../../src/domain/Issuer.js"
import * as SqliteStorage from "../../src/layers/SqliteStorage.js"
import { AccountStore } from "../../src/services/stores/AccountStore.js"
import { ClientStore } from "../../src/services/stores/ClientStore.js"
import { ConsentStore } from "../../src/services/stores/ConsentStore.js"
import { GrantStore } from "../../src/services/stores/GrantStore.js"
import { KeyStore } from "../../src/services/stores/KeyStore.js"
import { Storage } from "../../src/services/stores/Storage.js"
import { app, client } from "../../src/testing/contracts/fixtures.js"

const issuer = Issuer.make("https://auth.example.com")

/** Opens a storage until the scope ends. */
export const open = (options: SqliteStorage.Options) =>
  Effect.map(Layer.build(SqliteStorage.layer(options)), (context) => {
    const { masterKey, stores } = Context.get(context, Storage)
    const of = stores(issuer)
    return {
      key: Buffer.from(Redacted.value(masterKey)).toString("hex"),
      accounts: Context.get(of, AccountStore),
      clients: Context.get(of, ClientStore),
      consents: Context.get(of, ConsentStore),
      grants: Context.get(of, GrantStore),
      keys: Context.get(of, KeyStore)
    }
  })

/** Opens a storage, uses it, and closes it. */
export const using = <A, E>(
  options: SqliteStorage.Options,
  use: (stores: Effect.Effect.Success<ReturnType<typeof open>>) => Effect.Effect<A, E>
) => Effect.scoped(Effect.flatMap(open(options), use))

export const refusal = (options: SqliteStorage.Options) => Effect.flip(Effect.scoped(open(options)))

export const modeOf = (path: string) => (Fs.statSync(path).mode & 0o777).toString(8)

/** Opens a file with SQLite directly. */
export const withSqlite = <A>(path: string, use: (db: Sqlite.Database) => A): A => {
  const db = new Sqlite(path)
  try {
    return use(db)
  } finally {
    db.close()
  }
}

/** Makes a Latchkey file and closes it. */
export const ours = (filename: string) => using({ filename }, ({ clients }) => clients.insert(client(app)))
