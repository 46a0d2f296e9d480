/** The text of `latchkey db gc` for a report. */
import { describe, expect, it } from "vitest"
import { describeReport } from "../../../src/cli/commands/GcCommand.js"
import { empty as report } from "../../../src/services/maintenance/MaintenanceReport.js"

describe("the report of db gc", () => {
  it("a report of an unfinished pass names the rows that are left", () => {
    const text = describeReport({ ...report, grants: 50_000, more: true, unfinished: ["grants"] })
    expect(text).toMatch(/^ {2}50000 {2}grants/m)
    expect(text).toMatch(/\(grants[^)]*\): run latchkey db gc again/)
  })

  it("a report of chain keys that are left names them", () => {
    expect(describeReport({ ...report, more: true, unfinished: ["resealed"] })).toMatch(/\(chain keys/)
  })

  it("a report of a finished pass does not ask for another", () => {
    expect(describeReport({ ...report, sessions: 2 })).not.toContain("run latchkey")
    expect(describeReport(report)).not.toContain("run latchkey")
  })
})
