/** Version 7: a grant keeps its scope together with the resources that it is for. */
import type { Dialect } from "./Migration.js"

export const statements = (_: Dialect): ReadonlyArray<string> => [
  // A JSON object of resource to scope. Null in rows of an earlier version (see `GrantRow`), for which no statement can
  // know what a resource offered when they were made.
  "alter table grants add column granted text"
]
