/** The SQL statements that withdraw the consents of a subject, to a client, or of everybody, page by page. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Effect from "effect/Effect"
import type { Issuer } from "../../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import type { ConsentFilter, Pair } from "../../../services/stores/ConsentStore.js"
import { isEverybody } from "../../../services/stores/GrantStore.js"
import * as SqlStatement from "../SqlStatement.js"

type Answer = Effect.Effect<ReadonlyArray<object>, TemporarilyUnavailable>

/** The statements of one page. */
export interface Page {
  /** Reads the pairs of the page in order. */
  readonly pairs: (limit: number) => Answer
  /** Withdraw the consents of the page up to its last pair: the first raises the epochs, the second deletes the items. */
  readonly withdraw: (last: Pair) => readonly [raiseEpochs: Answer, deleteItems: Answer]
}

const selectPairs = "select subject, client_id from consents where issuer = :issuer"
const raiseEpochs = "update consents set epoch = epoch + 1 where issuer = :issuer"
const deleteItems = `delete from consent_items where issuer = :issuer and exists (
  select 1 from consents where consents.issuer = consent_items.issuer and consents.subject = consent_items.subject
    and consents.client_id = consent_items.client_id and consent_items.epoch < consents.epoch
)`

/** Returns the statements of the page after a pair; `undefined` if the filter is empty. */
export const make = (sql: SqlClient.SqlClient, issuer: Issuer) => {
  const query = SqlStatement.queries(sql, issuer)

  /** Pages of the consents with one value in the column `fixed`, in the order of the other column. */
  const by = (fixed: "subject" | "client_id", ordered: "subject" | "client_id") => {
    const following = `${fixed} = :value and ${ordered} > :after` as const
    return {
      pairs: query(`${selectPairs} and ${following} order by ${ordered} limit :limit`),
      raiseEpochs: query(`${raiseEpochs} and ${following} and ${ordered} <= :last`),
      // The consents come first, because the items of a client are found only by subject and client.
      deleteItems: query(`${deleteItems} and ${fixed} = :value and ${ordered} in (
        select ${ordered} from consents where issuer = :issuer and ${following} and ${ordered} <= :last
      )`)
    }
  }
  const bySubject = by("subject", "client_id")
  const byClient = by("client_id", "subject")

  const following = "(subject, client_id) > (:subject, :clientId)"
  const upTo = "(subject, client_id) <= (:lastSubject, :lastClient)"
  const all = {
    pairs: query(`${selectPairs} and ${following} order by subject, client_id limit :limit`),
    raiseEpochs: query(`${raiseEpochs} and ${following} and ${upTo}`),
    deleteItems: query(`${deleteItems} and ${following} and ${upTo}`)
  }

  const pageBy = (
    statements: typeof bySubject,
    value: string,
    after: string,
    orderedOf: (pair: Pair) => string
  ): Page => ({
    pairs: (limit) => statements.pairs({ value, after, limit }),
    withdraw: (last) => {
      const parameters = { value, after, last: orderedOf(last) }
      return [statements.raiseEpochs(parameters), statements.deleteItems(parameters)]
    }
  })

  return (filter: ConsentFilter, after: { readonly subject: string; readonly clientId: string }): Page | undefined => {
    if ("subject" in filter && filter.subject !== undefined) {
      return pageBy(bySubject, filter.subject, after.clientId, ({ clientId }) => clientId)
    }
    if ("clientId" in filter && filter.clientId !== undefined) {
      return pageBy(byClient, filter.clientId, after.subject, ({ subject }) => subject)
    }
    if (!isEverybody(filter)) return undefined
    return {
      pairs: (limit) => all.pairs({ ...after, limit }),
      withdraw: ({ clientId: lastClient, subject: lastSubject }) => {
        const parameters = { ...after, lastSubject, lastClient }
        return [all.raiseEpochs(parameters), all.deleteItems(parameters)]
      }
    }
  }
}
