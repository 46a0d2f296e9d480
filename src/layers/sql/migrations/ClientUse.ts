/** Version 9: the last use of a client, so that self-registered clients that were abandoned are found. */
import type { Dialect } from "./Migration.js"

export const statements = (_dialect: Dialect): ReadonlyArray<string> => [
  // Until now "used_at" was the first use. Nobody knows the last one, so it counts from the highest time that was stored.
  `update clients set used_at = (select seen_at from high_water_marks where high_water_marks.issuer = clients.issuer)
   where origin = 'Dynamic'
     and used_at < (select seen_at from high_water_marks where high_water_marks.issuer = clients.issuer)`,
  "create index clients_used on clients (issuer, used_at) where origin = 'Dynamic' and used_at is not null"
]
