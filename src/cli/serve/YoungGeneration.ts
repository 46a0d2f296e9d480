/**
 * The size of V8's young generation. V8 doubles it while a program makes much garbage, as a start does, and keeps it: an idle
 * server would have 99 MB instead of 85 MB. So the bundle starts without growth (`scripts/bundle.mjs`), which takes 30 ms
 * longer, and a server lets it grow when it is ready.
 */
import { setFlagsFromString } from "node:v8"
import * as Effect from "effect/Effect"

/** Lets the young generation grow by V8's own factor. */
export const letGrow: Effect.Effect<void> = Effect.sync(() => setFlagsFromString("--semi-space-growth-factor=2"))
