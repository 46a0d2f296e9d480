/** Version 12: the actor, the request id and the address of an event. */
import type { Dialect } from "./Migration.js"

export const statements = (_dialect: Dialect): ReadonlyArray<string> => [
  "alter table events add column actor text",
  "alter table events add column request_id text",
  "alter table events add column address text",
  "create index events_request on events (issuer, request_id, id) where request_id is not null"
]
