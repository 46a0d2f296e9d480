/**
 * Version 3. Clients of metadata documents: the operator's approval of a client, and what a grant was made for, so that users
 * can tell the installations of one client apart.
 */
export const statements = (): ReadonlyArray<string> => [
  // A JSON object; null for a client without an approval.
  "alter table clients add column approval text",
  // A JSON object; null for a grant of a client that has one installation.
  "alter table grants add column installation text",
  "drop index clients_used",
  "create index clients_used on clients (issuer, used_at) where origin <> 'Operator' and used_at is not null"
]
