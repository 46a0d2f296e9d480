/** The million of `bench/refreshes.mjs`, a short form of it: refreshes leave no rows behind. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, it } from "vitest"

const script = fileURLToPath(new URL("../../bench/refreshes.mjs", import.meta.url))

it("two thousand refreshes of twenty grants leave twenty grants, and no other table has grown", async () => {
  const args = [script, "--grants", "20", "--refreshes", "2000", "--json"]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const { after, before, refreshes } = JSON.parse(stdout)
  expect(refreshes).toBe(2000)
  expect(after.rows.grants).toBe(20)
  // Should midnight pass just now, of each grant's refreshes one is kept.
  const { events, ...others } = after.rows
  expect({ ...others, events: before.rows.events }).toEqual(before.rows)
  expect(events).toBeLessThanOrEqual(before.rows.events + 20)
})
