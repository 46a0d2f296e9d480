/**
 * Version 8: the network of a redemption, of the last rotation, and of the rotation that began the present burst, each as
 * a keyed hash. Null where it is not known, and in rows of an earlier version.
 */
import type { Dialect } from "./Migration.js"

export const statements = (_: Dialect): ReadonlyArray<string> =>
  ["redeemed_from", "rotated_from", "burst_began_from"].map((column) => `alter table grants add column ${column} text`)
