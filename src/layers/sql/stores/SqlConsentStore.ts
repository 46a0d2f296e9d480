/**
 * Consents in a SQL database: one row for each pair of a subject and a client, and one row for each item that the user
 * allowed. An item counts only under the current epoch of its pair.
 *
 * So a withdrawal is one statement, which raises the epoch. An addition is two: the first writes the pair and reads its epoch, the
 * second writes the items under that epoch. On PostgreSQL they are one transaction, in which the first one locks the pair. On SQLite
 * each commits by itself. If the process dies between them, less is stored than the user allowed, and there is no grant. If the
 * consent is withdrawn between or after them, the added items do not count, and the answer has the old epoch, so that the grant
 * made under it is dead too.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Arr from "effect/Array"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Subject } from "../../../domain/Account.js"
import { ClientId } from "../../../domain/Client.js"
import type { Consent } from "../../../domain/Consent.js"
import type { Issuer } from "../../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import type { ConsentStore, Pair } from "../../../services/stores/ConsentStore.js"
import { emptyFilter } from "../../../services/stores/GrantStore.js"
import * as Paging from "../../../services/stores/Paging.js"
import * as SqlRow from "../SqlRow.js"
import * as SqlStatement from "../SqlStatement.js"
import * as ConsentItems from "./ConsentItems.js"
import * as ConsentWithdrawal from "./ConsentWithdrawal.js"

const State = Schema.Struct({ updated_at: SqlRow.Instant, epoch: Schema.Int })
const PairRow = Schema.Struct({ subject: Subject, client_id: ClientId })

const readState = SqlRow.reader("consents", State)
const readRaised = SqlRow.reader("consents", Schema.Struct({ epoch: Schema.Int, had_items: Schema.Literal(0, 1) }))
const readItems = SqlRow.reader("consent_items", Schema.Array(ConsentItems.Item))
const readListed = SqlRow.reader(
  "consents",
  Schema.Array(Schema.Struct({ client_id: ClientId, ...State.fields, kind: Schema.String, value: Schema.String }))
)
const readPairs = SqlRow.reader("consents", Schema.Array(PairRow))
const readPage = SqlRow.reader(
  "consents",
  Schema.Array(Schema.Struct({ ...PairRow.fields, has_client: Schema.Number }))
)

const pairOf = ({ client_id: clientId, subject }: typeof PairRow.Type): Pair => ({ subject, clientId })

/** The position before the first pair. */
const start = { subject: "", clientId: "" }

const consentOf = (
  { clientId, subject }: Pair,
  state: typeof State.Type,
  items: ReadonlyArray<ConsentItems.Item>
): Consent => ({
  subject,
  clientId,
  ...ConsentItems.toConsent(items),
  updatedAt: state.updated_at,
  epoch: state.epoch
})

/** The rows of a JSON array of items, as SQL. */
const itemRows = {
  sqlite: "(select value ->> 'kind' as kind, value ->> 'value' as value from json_each(:items)) as item",
  pg: "json_to_recordset(cast(:items as json)) as item (kind text, value text)"
} as const

/** Reads the items in the rows of a consent. The only row of a consent without items has none. */
const itemsOf = (rows: ReadonlyArray<object>) => readItems(rows.filter((row) => "kind" in row && row.kind !== null))

/** Maximum number of consents that are remembered with their rows. Every authorization request reads one. */
const remembered = 256

/** Reads the rows of a consent, at least one. The same rows are decoded once. */
const readWhole = SqlRow.rememberingAll(
  (rows: SqlStatement.Rows, pair: Pair): Either.Either<Consent, TemporarilyUnavailable> =>
    Either.flatMap(readState(rows[0]), (state) => Either.map(itemsOf(rows), (items) => consentOf(pair, state, items))),
  // The id of a client has no space, so no two pairs have the same text.
  ({ clientId, subject }) => `${subject} ${clientId}`,
  remembered
)

const makeStatements = (sql: SqlClient.SqlClient, issuer: Issuer) => {
  const query = SqlStatement.queries(sql, issuer)
  const harmless = SqlStatement.queries(sql, issuer, "Harmless")
  const items = sql.onDialectOrElse({ pg: () => itemRows.pg, orElse: () => itemRows.sqlite })
  // The columns are null in the only row of a consent without items.
  const whole = `
    select consents.updated_at, consents.epoch, kind, value
    from consents left join consent_items on consent_items.issuer = consents.issuer
      and consent_items.subject = consents.subject and consent_items.client_id = consents.client_id
      and consent_items.epoch = consents.epoch
    where consents.issuer = :issuer and consents.subject = :subject and consents.client_id = :clientId` as const
  const ofDeletedClient = `
    where issuer = :issuer and subject = :subject and client_id = :clientId
      and not exists (select 1 from clients where issuer = :issuer and id = :clientId)`
  return {
    find: query(whole),
    list: query(`
      select client_id, consents.updated_at, epoch, kind, value
      from consents join consent_items using (issuer, subject, client_id, epoch)
      where issuer = :issuer and subject = :subject
        and exists (select 1 from clients where clients.issuer = consents.issuer and clients.id = client_id)
      order by client_id`),
    touch: harmless(`
      insert into consents (issuer, subject, client_id, updated_at, epoch)
      values (:issuer, :subject, :clientId, :updatedAt, 1)
      on conflict (issuer, subject, client_id) do update set updated_at =
        case when excluded.updated_at > consents.updated_at then excluded.updated_at else consents.updated_at end
      returning updated_at, epoch`),
    // Without an epoch, under the present one.
    insertItems: harmless(`
      insert into consent_items (issuer, subject, client_id, epoch, kind, value)
      select issuer, subject, client_id, epoch, item.kind, item.value from consents, ${items}
      where issuer = :issuer and subject = :subject and client_id = :clientId
        and epoch = coalesce(cast(:epoch as bigint), epoch)
      on conflict do nothing`),
    raiseEpoch: query(`
      update consents set epoch = epoch + 1 where issuer = :issuer and subject = :subject and client_id = :clientId
      returning epoch, case when exists (
        select 1 from consent_items
        where consent_items.issuer = consents.issuer and consent_items.subject = consents.subject
          and consent_items.client_id = consents.client_id and consent_items.epoch = consents.epoch - 1
      ) then 1 else 0 end as had_items`),
    deleteItems: query(`
      delete from consent_items
      where issuer = :issuer and subject = :subject and client_id = :clientId and epoch < :epoch`),
    page: query(`
      select subject, client_id,
        case when exists (
          select 1 from clients where clients.issuer = consents.issuer and clients.id = client_id
        ) then 1 else 0 end as has_client
      from consents where issuer = :issuer and (subject, client_id) > (:subject, :clientId)
      order by subject, client_id limit :limit`),
    // First the items, then the pair if it has no items left. So no item is ever left without its pair.
    deleteItemsOfDeletedClient: query(`delete from consent_items ${ofDeletedClient}`),
    deletePairOfDeletedClient: query(`
      delete from consents ${ofDeletedClient} and not exists (
        select 1 from consent_items where issuer = :issuer and subject = :subject and client_id = :clientId
      )
      returning subject`)
  }
}

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<ConsentStore> => {
  const transaction = SqlStatement.transaction(sql)
  const statements = makeStatements(sql, issuer)
  const withdrawalPage = ConsentWithdrawal.make(sql, issuer)

  /** Adds to a consent. Returns its state when the addition began, and its rows when it had ended. */
  const add: (
    pair: Pair,
    added: { readonly updatedAt: number; readonly items: string }
  ) => Effect.Effect<{ readonly state: typeof State.Type; readonly rows: SqlStatement.Rows }, TemporarilyUnavailable> =
    sql.onDialectOrElse({
      pg: () =>
        Effect.fnUntraced(function* (pair, { items, updatedAt }) {
          const [touched = [], , rows = []] = yield* transaction([
            statements.touch.compiled({ ...pair, updatedAt }),
            statements.insertItems.compiled({ ...pair, items, epoch: null }),
            statements.find.compiled(pair)
          ])
          return { state: yield* readState(touched[0]), rows }
        }),
      orElse: () =>
        Effect.fnUntraced(function* (pair, { items, updatedAt }) {
          const [touched] = yield* statements.touch({ ...pair, updatedAt })
          const state = yield* readState(touched)
          yield* statements.insertItems({ ...pair, items, epoch: state.epoch })
          return { state, rows: yield* statements.find(pair) }
        })
    })

  return {
    find: (subject, clientId) =>
      Effect.flatMap(statements.find({ subject, clientId }), (rows) =>
        SqlRow.first(rows, () => readWhole(rows, { subject, clientId }))
      ),

    record: Effect.fnUntraced(function* (added) {
      const pair = { subject: added.subject, clientId: added.clientId }
      const { rows, state } = yield* add(pair, {
        updatedAt: added.updatedAt.epochMillis,
        items: JSON.stringify(ConsentItems.fromConsent(added))
      })
      // Items of a later epoch were added after a withdrawal.
      const ofEpoch = rows.filter((row) => "epoch" in row && row.epoch === state.epoch)
      return consentOf(pair, state, yield* itemsOf(ofEpoch))
    }),

    list: Effect.fnUntraced(function* (subject) {
      const rows = yield* readListed(yield* statements.list({ subject }))
      return yield* Effect.forEach(
        Object.values(Arr.groupBy(rows, ({ client_id }) => client_id)),
        ([first, ...others]) =>
          Effect.map(readItems([first, ...others]), (items) =>
            consentOf({ subject, clientId: first.client_id }, first, items)
          )
      )
    }),

    prune: Effect.fnUntraced(function* (limit, after) {
      const rows = yield* readPage(yield* statements.page({ ...(after ?? start), limit }))
      const counts = yield* Effect.forEach(
        rows.filter(({ has_client }) => has_client === 0),
        (row) => {
          const pair = pairOf(row)
          return Effect.map(
            Effect.zipRight(statements.deleteItemsOfDeletedClient(pair), statements.deletePairOfDeletedClient(pair)),
            (deleted) => deleted.length
          )
        },
        { concurrency: 8 }
      )
      return {
        count: counts.reduce((sum, count) => sum + count, 0),
        next: Option.map(Paging.next(rows, limit), pairOf)
      }
    }),

    withdraw: Effect.fnUntraced(function* (subject, clientId) {
      const [row] = yield* statements.raiseEpoch({ subject, clientId })
      if (row === undefined) return false
      const { epoch, had_items } = yield* readRaised(row)
      // The consent is withdrawn already. This only deletes the rows.
      yield* statements.deleteItems({ subject, clientId, epoch })
      return had_items === 1
    }),

    withdrawAll: Effect.fnUntraced(function* (filter, limit, after) {
      const page = withdrawalPage(filter, after ?? start)
      if (page === undefined) return yield* Effect.die(emptyFilter())
      const pairs = Arr.map(yield* Effect.flatMap(page.pairs(limit), readPairs), pairOf)
      const last = pairs.at(-1)
      if (last !== undefined) yield* Effect.all(page.withdraw(last), { discard: true })
      return { count: pairs.length, next: Paging.next(pairs, limit) }
    })
  }
}
