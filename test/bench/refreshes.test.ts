/** A short run of `bench/refreshes.mjs`: refreshes add no rows. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, it } from "vitest"

const script = fileURLToPath(new URL("../../bench/refreshes.mjs", import.meta.url))

it("two thousand refreshes of twenty grants add no row to any table", async () => {
  const args = [script, "--grants", "20", "--refreshes", "2000", "--json"]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const { after, before, refreshes } = JSON.parse(stdout)
  expect(refreshes).toBe(2000)
  expect(after.rows.grants).toBe(20)
  // If midnight passes during the run, one refresh event of each grant is stored.
  const { events, ...others } = after.rows
  expect({ ...others, events: before.rows.events }).toEqual(before.rows)
  expect(events).toBeLessThanOrEqual(before.rows.events + 20)
})
