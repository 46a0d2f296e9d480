import { describe, expect, it } from "vitest"
import * as Options from "../../bench/lib/options.mjs"
import { type Results, render, requirement } from "../../bench/lib/report.mjs"
import * as Statistics from "../../bench/lib/statistics.mjs"
import { named, targets } from "../../bench/lib/targets.mjs"

/** A cell whose rounds have these numbers of operations in a second of processor time. */
const cell = (...perCpuSecond: ReadonlyArray<number>): Statistics.Cell => ({
  rounds: perCpuSecond.map((rate) => ({
    operations: 100,
    perCpuSecond: rate,
    cpuMicros: 1e6 / rate,
    perSecond: rate,
    p50: 1,
    p99: 2,
    foreign: 0.25
  }))
})

describe("statistics of the bench", () => {
  it("the median of an even number of values is the mean of the two middle ones", () => {
    expect(Statistics.median([4, 1, 3, 2])).toBe(2.5)
    expect(Statistics.median([9, 1, 5])).toBe(5)
    expect(Statistics.median([])).toBeNaN()
  })

  it("a quantile of few values is one of them", () => {
    expect(Statistics.quantile([1, 2, 3, 4], 0.5)).toBe(3)
    expect(Statistics.quantile([1, 2, 3, 4], 0.99)).toBe(4)
    expect(Statistics.quantile([], 0.5)).toBeNaN()
  })

  it("a share compares the rounds of two servers pair by pair", () => {
    expect(Statistics.share(cell(50, 10, 30), cell(100, 100, 60))).toEqual({
      median: 0.5,
      low: 0.1,
      high: 0.5,
      rounds: 3
    })
  })

  it("a cell without rounds has no share", () => {
    expect(Statistics.share({ failed: "a wrong answer" }, cell(100))).toBeUndefined()
    expect(Statistics.share(cell(100), undefined)).toBeUndefined()
  })

  it("the order of a round is the order of the random numbers", () => {
    const numbers = [0.9, 0.1, 0.5]
    expect(Statistics.shuffled(["a", "b", "c"], () => numbers.shift() ?? 0)).toEqual(["b", "c", "a"])
  })
})

describe("document of the bench", () => {
  const machine = { processor: "A processor", cores: 2, memoryGiB: 8, system: "Linux 6.1", node: "v20.19.0" }
  const results = (rows: Record<string, Record<string, Statistics.Cell>>): Results => ({
    date: "2026-01-01",
    command: "npm run bench",
    machine,
    isQuick: false,
    minutes: 40,
    shares: { warmUp: 8000, duration: 450, rounds: 2, targets, rows },
    workers: { leftOut: "no option" }
  })

  it("a share is printed with its median and range, beside the control and the requirement", () => {
    const text = render(
      results({
        refresh: {
          bound: cell(100, 100),
          control: cell(90, 110),
          "latchkey-sqlite": cell(20, 40),
          "mcp-sdk": cell(10, 12)
        }
      })
    )
    expect(text).toContain("| refresh | 30 % (20–40) | – | – | ≥ 26 %, met | 100 % (90–110) |")
    expect(text).toContain("| refresh | – | – | – | 11 % (10–12) | – | – |")
    expect(text).toContain("Left out: no option.")
  })

  it("a missed requirement is marked", () => {
    expect(requirement("metadata", cell(65), cell(100))).toBe("≥ 66 %, **missed**")
    expect(requirement("open", cell(65), cell(100))).toBe("")
  })

  it("a cell with an error is printed as failed, with the reason below the tables", () => {
    const text = render(results({ guard: { bound: cell(100), "latchkey-sqlite": { failed: "GET /api:\n500 | oh" } } }))
    expect(text).toContain("| guarded route | failed |")
    expect(text).toContain("- guarded route, latchkey-sqlite: GET /api: 500 / oh")
  })

  it("a part that failed leaves its reason in the document", () => {
    expect(render({ ...results({}), scale: { failed: "no disk" } })).toContain("Failed: no disk")
  })
})

describe("command line of the bench", () => {
  it("only a run without a selection writes the document", () => {
    expect(Options.parse([]).isWhole).toBe(true)
    for (const args of [["--quick"], ["--only", "scale"], ["--items", "guard"], ["--targets", "mcp-sdk"]]) {
      expect(Options.parse(args).isWhole).toBe(false)
    }
  })

  it("the bound and its control are always measured", () => {
    const { targets } = Options.parse(["--targets", "mcp-sdk"])
    expect(targets.map(({ name }) => name)).toEqual(["bound", "control", "mcp-sdk"])
  })

  it("an unknown name is refused with the known ones", () => {
    expect(() => Options.parse(["--items", "guards"])).toThrow("guards is unknown; there are open, guard,")
    expect(() => Options.parse(["--rounds", "none"])).toThrow("not a positive integer")
    expect(() => named("nothing")).toThrow("no server is named nothing")
  })
})
