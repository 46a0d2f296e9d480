/**
 * Version 5: requests counted for all nodes together. On PostgreSQL alone: on SQLite each count would be a flush to the disk.
 */
import type { Dialect } from "./Migration.js"

export const statements = (dialect: Dialect): ReadonlyArray<string> =>
  dialect === "sqlite"
    ? []
    : [
        // Unlogged: what a crash or a failover forgets is a minute's counting. No index but the key, and room on each page,
        // so that counting again changes no index.
        `create unlogged table rate_limits (
          name text not null,
          key text not null,
          replenished_at bigint not null,
          allowed boolean not null,
          primary key (name, key)
        ) with (fillfactor = 50)`
      ]
