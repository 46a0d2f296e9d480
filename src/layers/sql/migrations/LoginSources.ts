/**
 * Version 11: the browser of a login, and its network, sealed. Null where it is not known, and in rows of an earlier version.
 */
import type { Dialect } from "./Migration.js"

export const statements = (_: Dialect): ReadonlyArray<string> =>
  ["browser", "network"].map((column) => `alter table sessions add column ${column} text`)
