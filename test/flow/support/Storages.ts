/** The storages of Latchkey, for rules that must hold on each of them. They have the clock of the test. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import * as PostgresStorage from "../../../src/layers/PostgresStorage.js"
import * as SqliteStorage from "../../../src/layers/SqliteStorage.js"
import { Storage } from "../../../src/services/stores/Storage.js"
import { temporaryFile } from "../../layers/temporaryFile.js"
import * as Postgres from "../../support/Postgres.js"

const onTestClock = <E>(storage: Layer.Layer<Storage, E>): Layer.Layer<Storage> =>
  Layer.effect(
    Storage,
    Effect.map(Storage, (storage) => Storage.of({ ...storage, clock: Clock.currentTimeMillis }))
  ).pipe(Layer.provide(storage), Layer.orDie)

const memory = Layer.fresh(MemoryStorage.layer)

const sqlite = onTestClock(
  Layer.unwrapScoped(Effect.map(temporaryFile, (filename) => SqliteStorage.layer({ filename })))
)

/** Storage in the PostgreSQL database at a URL. */
export const atPostgres = (url: Redacted.Redacted): Layer.Layer<Storage> =>
  onTestClock(PostgresStorage.layer({ url, masterKey: Redacted.make(new Uint8Array(32)) }))

const postgres = Layer.unwrapScoped(Effect.map(Postgres.database, atPostgres))

/** Each storage and its name. PostgreSQL is among them where the run has a server. */
export const all: ReadonlyArray<readonly [name: string, storage: Layer.Layer<Storage>]> = [
  ["memory", memory],
  ["SQLite", sqlite],
  ...(Postgres.missing === undefined ? [["PostgreSQL", postgres] as const] : [])
]
