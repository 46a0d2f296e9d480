/** What `latchkey db gc` says of a pass. */
import { describe, expect, it } from "vitest"
import { describeReport } from "../../../src/cli/commands/DatabaseCommands.js"
import type { MaintenanceReport } from "../../../src/services/maintenance/MaintenanceReport.js"

const report: MaintenanceReport = {
  grants: 0,
  sessions: 0,
  revokedTokens: 0,
  events: 0,
  clients: 0,
  abandonedClients: 0,
  consents: 0,
  resealed: 0,
  keysRemoved: 0,
  failed: [],
  more: false,
  unfinished: []
}

describe("db gc", () => {
  it("says which rows are left where a pass did not delete all, and how to go on", () => {
    expect(describeReport({ ...report, grants: 50_000, more: true, unfinished: ["grants"] })).toBe(
      [
        "Maintenance is done",
        "  50000  grants that ended",
        "More is left to delete (grants that ended): run latchkey db gc again, or a running server deletes it within minutes"
      ].join("\n\n")
    )
  })

  it("says nothing of a rest where all was deleted", () => {
    expect(describeReport({ ...report, sessions: 2 })).not.toContain("left")
    expect(describeReport(report)).toBe("Nothing was past use")
  })
})
