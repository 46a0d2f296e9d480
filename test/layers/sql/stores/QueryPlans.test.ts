/**
 * The cost of a request must not grow with the rows, and that of maintenance not with the rows that stay. So each statement uses
 * an index, and a statement of a request uses one that finds a single row.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { TokenId } from "../../../../src/domain/AccessToken.js"
import { InitialAccessTokenId } from "../../../../src/domain/InitialAccessToken.js"
import { Issuer } from "../../../../src/domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../../../src/domain/OAuthError.js"
import { ResourceServerId } from "../../../../src/domain/Resource.js"
import { migrations } from "../../../../src/layers/sql/migrations.js"
import * as SqlStores from "../../../../src/layers/sql/stores/SqlStores.js"
import { AccountStore } from "../../../../src/services/stores/AccountStore.js"
import { ClientStore } from "../../../../src/services/stores/ClientStore.js"
import { ConsentStore } from "../../../../src/services/stores/ConsentStore.js"
import { EventLog } from "../../../../src/services/stores/EventLog.js"
import { GrantStore, type RevocationFilter } from "../../../../src/services/stores/GrantStore.js"
import { InitialAccessTokenStore } from "../../../../src/services/stores/InitialAccessTokenStore.js"
import { ResourceStore } from "../../../../src/services/stores/ResourceStore.js"
import { RevokedTokenStore } from "../../../../src/services/stores/RevokedTokenStore.js"
import { SessionStore } from "../../../../src/services/stores/SessionStore.js"
import {
  alice,
  app,
  at,
  digest,
  grant,
  grantId,
  redemption,
  rotation,
  session
} from "../../../../src/testing/contracts/fixtures.js"

/** A client that records statements, and answers each read of consents with one of a deleted client. */
const recorder = () => {
  const texts: Array<string> = []
  const sql = {
    onDialectOrElse: ({ orElse }: { readonly orElse: () => unknown }) => orElse(),
    unsafe: (text: string) =>
      Effect.sync(() => {
        texts.push(text)
        if (text.startsWith("select id from grants")) return [{ id: grantId(1) }]
        return /^\s*select subject, client_id/.test(text) ? [{ subject: alice, client_id: app, has_client: 0 }] : []
      })
  }
  return { texts, sql: sql as unknown as SqlClient.SqlClient }
}

const plansOf = (texts: ReadonlyArray<string>) => {
  const db = new Sqlite(":memory:")
  try {
    for (const { statements } of migrations) for (const text of statements("sqlite")) db.exec(text)
    return texts.map((text) => {
      const values = Array.from(text.matchAll(/\?/g), () => 1)
      return db
        .prepare(`explain query plan ${text}`)
        .all(...values)
        .map((row) => String((row as { readonly detail: unknown }).detail))
    })
  } finally {
    db.close()
  }
}

const issuer = Issuer.make("https://auth.example.com")

const revokes = (filter: RevocationFilter) => (stores: ReturnType<typeof SqlStores.make>) =>
  Context.get(stores, GrantStore).revokeAll(filter, "Denied", at(0), { after: grantId(1), limit: 50 })

it.effect.each([
  ["grants", 1, (stores) => Context.get(stores, GrantStore).prune(at(0), 50)],
  ["sessions", 1, (stores) => Context.get(stores, SessionStore).prune(at(0), 50)],
  ["revoked tokens", 1, (stores) => Context.get(stores, RevokedTokenStore).prune(at(0), 50)],
  ["events", 1, (stores) => Context.get(stores, EventLog).prune(at(0), 50)],
  ["clients", 1, (stores) => Context.get(stores, ClientStore).removeUnused(at(0), 50)],
  ["abandoned clients", 1, (stores) => Context.get(stores, ClientStore).removeAbandoned(at(0), 50)],
  ["idle clients", 1, (stores) => Context.get(stores, ClientStore).removeIdle(at(0), 50)],
  ["initial access tokens", 1, (stores) => Context.get(stores, InitialAccessTokenStore).prune(at(0), 50)],
  ["consents", 3, (stores) => Context.get(stores, ConsentStore).prune(50, { subject: alice, clientId: app })],
  ["a client's consents", 3, (stores) => Context.get(stores, ConsentStore).withdrawAll({ clientId: app }, 50)],
  ["a person's consents", 3, (stores) => Context.get(stores, ConsentStore).withdrawAll({ subject: alice }, 50)],
  ["everybody's consents", 3, (stores) => Context.get(stores, ConsentStore).withdrawAll({ everybody: true }, 50)],
  ["a client's grants that are revoked", 2, revokes({ clientId: app })],
  ["a person's grants that are revoked", 2, revokes({ subject: alice })],
  ["a pair's grants that are revoked", 2, revokes({ subject: alice, clientId: app })],
  ["everybody's grants that are revoked", 2, revokes({ everybody: true })],
  ["chain keys", 1, (stores) => Context.get(stores, GrantStore).sealedUnder("lk_ck_aaaaaaaa", { limit: 50 })],
  [
    "chain keys, further on",
    1,
    (stores) => Context.get(stores, GrantStore).sealedUnder("lk_ck_aaaaaaaa", { after: grantId(1), limit: 50 })
  ]
] as ReadonlyArray<
  readonly [
    string,
    number,
    (stores: ReturnType<typeof SqlStores.make>) => Effect.Effect<unknown, TemporarilyUnavailable>
  ]
>)("the statement for %s uses an index and needs no sort", ([title, count, verb]) =>
  Effect.gen(function* () {
    const { sql, texts } = recorder()
    yield* verb(SqlStores.make(sql, issuer))
    expect(texts).toHaveLength(count)
    for (const [i, plan] of plansOf(texts).entries()) {
      // A range of ids alone would read the grants of all other clients in between.
      if (/^\s*update grants/.test(texts[i] ?? "") && !title.startsWith("everybody"))
        expect(plan[0]).toMatch(/\b(subject|client_id)=\?/)
      for (const step of plan) expect(step).not.toMatch(/^SCAN|TEMP B-TREE/)
      // A deletion finds each row by its key, and not by an index of all ended rows.
      if (texts[i]?.includes("limit ?") && /^\s*delete/.test(texts[i] ?? "")) expect(plan[0]).toContain("AND id=?")
    }
  })
)

/** The programs that SQLite runs for statements: for each of them the operations that change an index. */
const indexWritesOf = (texts: ReadonlyArray<string>) => {
  const db = new Sqlite(":memory:")
  try {
    for (const { statements } of migrations) for (const text of statements("sqlite")) db.exec(text)
    return texts.map((text) => {
      const values = Array.from(text.matchAll(/\?/g), () => 1)
      const operations = db.prepare(`explain ${text}`).all(...values) as ReadonlyArray<{ readonly opcode: string }>
      return operations.filter(({ opcode }) => /^Idx(Insert|Delete)$/.test(opcode)).length
    })
  } finally {
    db.close()
  }
}

/** The indexes that find one row: those of primary keys, and the unique ones. */
const findsOneRow =
  /^SEARCH \w+ USING (PRIMARY KEY|(COVERING )?INDEX (sqlite_autoindex_\w+|sessions_digest|accounts_username|resources_server|initial_access_tokens_digest)) \(issuer=\? AND /

type Hot = (stores: ReturnType<typeof SqlStores.make>) => Effect.Effect<unknown, TemporarilyUnavailable>

const hot: ReadonlyArray<readonly [name: string, verb: Hot]> = [
  ["find a client", (stores) => Context.get(stores, ClientStore).find(app)],
  ["note the use of a client", (stores) => Context.get(stores, ClientStore).markUsed(app, at(0))],
  ["find an account", (stores) => Context.get(stores, AccountStore).find(alice)],
  ["find a session", (stores) => Context.get(stores, SessionStore).find(session(1).digest, at(0))],
  ["find a consent", (stores) => Context.get(stores, ConsentStore).find(alice, app)],
  ["find a grant", (stores) => Context.get(stores, GrantStore).find(grantId(1))],
  ["check a grant", (stores) => Context.get(stores, GrantStore).findActive(grantId(1), at(0), Option.none())],
  ["redeem a code", (stores) => Context.get(stores, GrantStore).redeem(redemption(grant()))],
  ["rotate a refresh token", (stores) => Context.get(stores, GrantStore).rotate(rotation(grant(), 1, 0))],
  ["revoke a grant", (stores) => Context.get(stores, GrantStore).revoke(grantId(1), "TokenRevoked", at(0))],
  ["find a revoked token", (stores) => Context.get(stores, RevokedTokenStore).has(TokenId.make("token"))],
  ["find an initial access token", (stores) => Context.get(stores, InitialAccessTokenStore).find(digest("one"))],
  [
    "count the use of an initial access token",
    (stores) => Context.get(stores, InitialAccessTokenStore).spend(InitialAccessTokenId.make("0".repeat(26)), at(0))
  ],
  [
    "find a resource server",
    (stores) => Context.get(stores, ResourceStore).findByServer(ResourceServerId.make("server"))
  ]
]

const textsOf = (verb: Hot) =>
  Effect.gen(function* () {
    const { sql, texts } = recorder()
    yield* verb(SqlStores.make(sql, issuer))
    return texts
  })

it.effect.each(hot)("the statements that %s read single rows by key", ([, verb]) =>
  Effect.gen(function* () {
    const plans = plansOf(yield* textsOf(verb)).flat()
    expect(plans.filter((step) => !/^CORRELATED SCALAR SUBQUERY \d+$/.test(step) && !findsOneRow.test(step))).toEqual(
      []
    )
  })
)

it.effect("a refresh changes no index", () =>
  Effect.gen(function* () {
    const [rotate] = indexWritesOf(
      yield* textsOf((stores) => Context.get(stores, GrantStore).rotate(rotation(grant(), 1, 0)))
    )
    expect(rotate).toBe(0)
  })
)
