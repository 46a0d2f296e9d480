/**
 * Consents in a SQL database: a row for each pair of a person and a client, and a row for each thing allowed, which
 * counts only under the epoch of the pair that it was allowed under.
 *
 * So taking a consent back is one statement, which raises the epoch, and adding to it needs no transaction: first the
 * pair, which tells the epoch, then what is allowed under it. If the process dies between them, less is recorded than
 * the person allowed, and no grant was made. If the consent is taken back between them, what is added counts no more,
 * and the answer carries the epoch that is dead, so that the grant made under it is dead, too.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Arr from "effect/Array"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Subject } from "../../../domain/Account.js"
import { ClientId } from "../../../domain/Client.js"
import type { Consent } from "../../../domain/Consent.js"
import type { Issuer } from "../../../domain/Issuer.js"
import { RedirectUri } from "../../../domain/RedirectUri.js"
import { ResourceIndicator } from "../../../domain/Resource.js"
import * as ResourceScopes from "../../../domain/ResourceScopes.js"
import * as Scope from "../../../domain/Scope.js"
import type { ConsentStore, Pair, Whose } from "../../../services/stores/ConsentStore.js"
import { isEverybody, namesNobody } from "../../../services/stores/GrantStore.js"
import * as SqlText from "./SqlText.js"

const State = Schema.Struct({ updated_at: SqlText.Instant, epoch: Schema.Int })

/** A resource, or a resource, a space and one token of the scope there: neither holds a space. */
const Granted = Schema.String.pipe(Schema.filter((text) => isResource(text.split(" ", 1)[0])))
const isResource = Schema.is(ResourceIndicator)

const Item = Schema.Union(
  Schema.Struct({ kind: Schema.Literal("granted"), value: Granted }),
  Schema.Struct({ kind: Schema.Literal("redirect_uri"), value: RedirectUri }),
  // Of a version before 7, which did not keep what was allowed where.
  Schema.Struct({ kind: Schema.Literal("scope"), value: Schema.String }),
  Schema.Struct({ kind: Schema.Literal("resource"), value: ResourceIndicator })
)
type Item = typeof Item.Type

const readPair = SqlText.reader("consents", State)
const readRaised = SqlText.reader("consents", Schema.Struct({ epoch: Schema.Int, had_items: Schema.Literal(0, 1) }))
const readItems = SqlText.reader("consent_items", Schema.Array(Item))

const readListed = SqlText.reader(
  "consents",
  Schema.Array(Schema.Struct({ client_id: ClientId, ...State.fields, kind: Schema.String, value: Schema.String }))
)

const PairRow = Schema.Struct({ subject: Subject, client_id: ClientId })

const readPairs = SqlText.reader("consents", Schema.Array(PairRow))

const pairOf = ({ client_id: clientId, subject }: typeof PairRow.Type): Pair => ({ subject, clientId })

const readPage = SqlText.reader(
  "consents",
  Schema.Array(Schema.Struct({ ...PairRow.fields, has_client: Schema.Number }))
)

const itemsOf = ({ granted, redirectUris }: Omit<Consent, "epoch">): ReadonlyArray<Item> => [
  ...Array.from(granted).flatMap(([resource, scope]) =>
    [resource, ...Array.from(scope, (token) => `${resource} ${token}`)].map((value) => ({
      kind: "granted" as const,
      value
    }))
  ),
  ...Array.from(redirectUris, (value) => ({ kind: "redirect_uri" as const, value }))
]

const valuesOf = <Kind extends Item["kind"]>(items: ReadonlyArray<Item>, kind: Kind) =>
  items.flatMap((item) => (item.kind === kind ? [item.value as Extract<Item, { readonly kind: Kind }>["value"]] : []))

const grantedOf = (items: ReadonlyArray<Item>): ResourceScopes.ResourceScopes => {
  const granted = new Map<ResourceIndicator, Set<string>>()
  for (const value of valuesOf(items, "granted")) {
    const [uri = "", token] = value.split(" ")
    const resource = ResourceIndicator.make(uri, true)
    const scope = granted.get(resource) ?? new Set()
    granted.set(resource, token === undefined ? scope : scope.add(token))
  }
  return granted
}
/**
 * A consent of a version before 7, with every scope at every resource. It is listed, so that the person can withdraw it.
 * It is not found: a scope that has moved since must not be taken for allowed, so the person is asked once more.
 */
const grantedBefore = (items: ReadonlyArray<Item>): ResourceScopes.ResourceScopes => {
  const scope = Scope.fromIterable(valuesOf(items, "scope"))
  return ResourceScopes.make(...valuesOf(items, "resource").map((uri) => [uri, scope] as const))
}

const consentOf = (
  subject: Subject,
  clientId: ClientId,
  pair: typeof State.Type,
  items: ReadonlyArray<Item>
): Consent => ({
  subject,
  clientId,
  granted: grantedOf(items),
  redirectUris: new Set(valuesOf(items, "redirect_uri")),
  updatedAt: pair.updated_at,
  epoch: pair.epoch
})

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<ConsentStore> => {
  const run = SqlText.runner(sql)
  const query = SqlText.queries(sql, issuer)
  const findPair = query(`
    select updated_at, epoch from consents
    where issuer = :issuer and subject = :subject and client_id = :clientId`)
  const findItems = query(`
    select kind, value from consent_items
    where issuer = :issuer and subject = :subject and client_id = :clientId and epoch = :epoch`)
  const list = query(`
    select client_id, consents.updated_at, epoch, kind, value
    from consents join consent_items using (issuer, subject, client_id, epoch)
    where issuer = :issuer and subject = :subject
      and exists (select 1 from clients where clients.issuer = consents.issuer and clients.id = client_id)
    order by client_id`)
  const touchPair = query(`
    insert into consents (issuer, subject, client_id, updated_at, epoch)
    values (:issuer, :subject, :clientId, :updatedAt, 1)
    on conflict (issuer, subject, client_id) do update set updated_at =
      case when excluded.updated_at > consents.updated_at then excluded.updated_at else consents.updated_at end
    returning updated_at, epoch`)
  const advanceEpoch = query(`
    update consents set epoch = epoch + 1 where issuer = :issuer and subject = :subject and client_id = :clientId
    returning epoch, case when exists (
      select 1 from consent_items
      where consent_items.issuer = consents.issuer and consent_items.subject = consents.subject
        and consent_items.client_id = consents.client_id and consent_items.epoch = consents.epoch - 1
    ) then 1 else 0 end as had_items`)
  const forget = query(`
    delete from consent_items
    where issuer = :issuer and subject = :subject and client_id = :clientId and epoch < :epoch`)

  const page = query(`
    select subject, client_id,
      case when exists (
        select 1 from clients where clients.issuer = consents.issuer and clients.id = client_id
      ) then 1 else 0 end as has_client
    from consents where issuer = :issuer and (subject, client_id) > (:subject, :clientId)
    order by subject, client_id limit :limit`)
  // First the items, then the pair if it has none left: so no item is ever left without its pair.
  const ofGoneClient = `
    where issuer = :issuer and subject = :subject and client_id = :clientId
      and not exists (select 1 from clients where issuer = :issuer and id = :clientId)`
  const removeItems = query(`delete from consent_items ${ofGoneClient}`)
  const removePair = query(`
    delete from consents ${ofGoneClient} and not exists (
      select 1 from consent_items where issuer = :issuer and subject = :subject and client_id = :clientId
    )
    returning subject`)

  const pairsOf = "select subject, client_id from consents where issuer = :issuer"
  const advanceEach = "update consents set epoch = epoch + 1 where issuer = :issuer"
  const isDead = `exists (
    select 1 from consents where consents.issuer = consent_items.issuer and consents.subject = consent_items.subject
      and consents.client_id = consent_items.client_id and consent_items.epoch < consents.epoch
  )`
  const forgetEach = `delete from consent_items where issuer = :issuer and ${isDead}`
  const ofSubject = "subject = :subject and client_id > :after"
  const toClient = "client_id = :clientId and subject > :after"
  const following = "(subject, client_id) > (:subject, :clientId)"
  const upTo = "(subject, client_id) <= (:lastSubject, :lastClient)"
  const ofSubjectStatements = {
    pairs: query(`${pairsOf} and ${ofSubject} order by client_id limit :limit`),
    advance: query(`${advanceEach} and ${ofSubject} and client_id <= :last`),
    forget: query(`${forgetEach} and ${ofSubject} and client_id <= :last`)
  }
  const toClientStatements = {
    pairs: query(`${pairsOf} and ${toClient} order by subject limit :limit`),
    advance: query(`${advanceEach} and ${toClient} and subject <= :last`),
    // The people first: the items are found by them.
    forget: query(`${forgetEach} and client_id = :clientId and subject in (
      select subject from consents where issuer = :issuer and ${toClient} and subject <= :last
    )`)
  }
  const everybodysStatements = {
    pairs: query(`${pairsOf} and ${following} order by subject, client_id limit :limit`),
    advance: query(`${advanceEach} and ${following} and ${upTo}`),
    forget: query(`${forgetEach} and ${following} and ${upTo}`)
  }

  /**
   * The statements of a page: one that reads its pairs, and those that withdraw them up to the last; none where the filter
   * names nobody.
   */
  const those = (whose: Whose, after: { readonly subject: string; readonly clientId: string }) => {
    if ("subject" in whose && whose.subject !== undefined) {
      const parameters = { subject: whose.subject, after: after.clientId }
      return {
        pairs: (limit: number) => ofSubjectStatements.pairs({ ...parameters, limit }),
        withdraw: ({ clientId: last }: Pair) => [
          ofSubjectStatements.advance({ ...parameters, last }),
          ofSubjectStatements.forget({ ...parameters, last })
        ]
      }
    }
    if ("clientId" in whose && whose.clientId !== undefined) {
      const parameters = { clientId: whose.clientId, after: after.subject }
      return {
        pairs: (limit: number) => toClientStatements.pairs({ ...parameters, limit }),
        withdraw: ({ subject: last }: Pair) => [
          toClientStatements.advance({ ...parameters, last }),
          toClientStatements.forget({ ...parameters, last })
        ]
      }
    }
    if (!isEverybody(whose)) return undefined
    return {
      pairs: (limit: number) => everybodysStatements.pairs({ ...after, limit }),
      withdraw: ({ clientId: lastClient, subject: lastSubject }: Pair) => [
        everybodysStatements.advance({ ...after, lastSubject, lastClient }),
        everybodysStatements.forget({ ...after, lastSubject, lastClient })
      ]
    }
  }

  const insertItems = (subject: Subject, clientId: ClientId, epoch: number, items: ReadonlyArray<Item>) => {
    const rows = items.map(({ kind, value }) => ({ issuer, subject, client_id: clientId, epoch, kind, value }))
    return rows.length === 0
      ? Effect.void
      : run(sql`insert into consent_items ${sql.insert(rows)} on conflict do nothing`)
  }

  const withItems = (subject: Subject, clientId: ClientId, pair: typeof State.Type) =>
    Effect.map(Effect.flatMap(findItems({ subject, clientId, epoch: pair.epoch }), readItems), (items) =>
      consentOf(subject, clientId, pair, items)
    )

  return {
    find: (subject, clientId) =>
      Effect.flatMap(findPair({ subject, clientId }), (rows) =>
        SqlText.first(rows, (row) => Effect.flatMap(readPair(row), (pair) => withItems(subject, clientId, pair)))
      ),

    record: Effect.fnUntraced(function* (added) {
      const { clientId, subject, updatedAt } = added
      const pair = yield* readPair((yield* touchPair({ subject, clientId, updatedAt: updatedAt.epochMillis }))[0])
      yield* insertItems(subject, clientId, pair.epoch, itemsOf(added))
      return yield* withItems(subject, clientId, pair)
    }),

    list: Effect.fnUntraced(function* (subject) {
      const rows = yield* readListed(yield* list({ subject }))
      return yield* Effect.forEach(
        Object.values(Arr.groupBy(rows, ({ client_id }) => client_id)),
        ([pair, ...others]) =>
          Effect.map(readItems([pair, ...others]), (items) => {
            const consent = consentOf(subject, pair.client_id, pair, items)
            return { ...consent, granted: ResourceScopes.union(grantedBefore(items), consent.granted) }
          })
      )
    }),

    prune: Effect.fnUntraced(function* (limit, after) {
      const from = after ?? { subject: "", clientId: "" }
      const rows = yield* readPage(yield* page({ ...from, limit }))
      const counts = yield* Effect.forEach(
        rows.filter(({ has_client }) => has_client === 0),
        ({ client_id: clientId, subject }) =>
          Effect.map(
            Effect.zipRight(removeItems({ subject, clientId }), removePair({ subject, clientId })),
            (removed) => removed.length
          ),
        { concurrency: 8 }
      )
      const last = rows.length < limit ? undefined : rows.at(-1)
      return {
        count: counts.reduce((sum, count) => sum + count, 0),
        next: Option.map(Option.fromNullable(last), pairOf)
      }
    }),

    withdraw: Effect.fnUntraced(function* (subject, clientId) {
      const [row] = yield* advanceEpoch({ subject, clientId })
      if (row === undefined) return false
      const { epoch, had_items } = yield* readRaised(row)
      // Nothing of it counts any more; this only deletes the rows.
      yield* forget({ subject, clientId, epoch })
      return had_items === 1
    }),

    withdrawAll: Effect.fnUntraced(function* (whose, limit, after) {
      const statements = those(whose, after ?? { subject: "", clientId: "" })
      if (statements === undefined) return yield* Effect.die(namesNobody())
      const { pairs, withdraw } = statements
      const rows = yield* Effect.flatMap(pairs(limit), readPairs)
      const last = Option.map(Option.fromNullable(rows.at(-1)), pairOf)
      yield* Effect.forEach(Option.toArray(last).flatMap(withdraw), (statement) => statement, { discard: true })
      return { count: rows.length, next: Option.filter(last, () => rows.length === limit) }
    })
  }
}
