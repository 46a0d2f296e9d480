/** Version 4: what upkeep finds its rows by, and the leases by which one node at a time does it. */
import type { Dialect } from "./Migration.js"

/**
 * Under which root key a grant's chain key is sealed (see `services/RefreshChain`): a prefix, then the key's id. The index
 * of it is used only where it stands word for word. A refresh does not touch it.
 */
export const chainKeyPrefix = "substr(chain_key, 1, 14)"

export const statements = (dialect: Dialect): ReadonlyArray<string> => {
  const integer = dialect === "sqlite" ? "integer" : "bigint"
  const small = dialect === "sqlite" ? "strict, without rowid" : ""

  return [
    "create index consents_client on consents (issuer, client_id)",
    `create index grants_chain_key on grants (issuer, (${chainKeyPrefix}), id) where chain_key is not null`,
    // "ended_at" is when a holder last gave it back.
    `create table leases (
      issuer text not null,
      name text not null,
      holder text not null,
      held_until ${integer} not null,
      ended_at ${integer},
      primary key (issuer, name)
    ) ${small}`
  ]
}
