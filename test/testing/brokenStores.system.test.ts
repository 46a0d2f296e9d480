/** The contract would notice: a store that breaks a promise fails it, and where the promise is stated. */
import { execFile } from "node:child_process"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { beforeAll, describe, expect, it } from "vitest"

const folder = dirname(fileURLToPath(import.meta.url))
const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs")

interface Assertion {
  readonly ancestorTitles: ReadonlyArray<string>
  readonly title: string
  readonly status: string
}

/** Runs the contract over all of them; it fails, and says what of it. */
const run = () =>
  new Promise<{ readonly all: ReadonlyArray<Assertion>; readonly code: number }>((resolve, reject) => {
    const args = [vitest, "run", "--config", join(folder, "vitest.config.ts"), "--reporter=json"]
    execFile(process.execPath, args, { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      try {
        const { testResults } = JSON.parse(stdout.slice(stdout.indexOf("{")))
        const all = testResults.flatMap((file: { readonly assertionResults: unknown }) => file.assertionResults)
        resolve({ all, code: Number(error?.code ?? 0) })
      } catch (cause) {
        reject(new Error(`vitest said no JSON: ${stderr}`, { cause }))
      }
    })
  })

describe("a store that", () => {
  let all: ReadonlyArray<Assertion>
  let code: number
  beforeAll(async () => {
    ;({ all, code } = await run())
  })

  const failuresOf = (store: string) =>
    all
      .filter(({ ancestorTitles, status }) => ancestorTitles[0] === store && status === "failed")
      .map(({ ancestorTitles, title }) => [...ancestorTitles.slice(1), title].join(" > "))

  it("fails is told by the exit code, whatever else the run starts and stops", () => {
    expect(code).toBe(1)
  })

  it("keeps its promises passes", () => {
    expect(all.filter(({ ancestorTitles }) => ancestorTitles[0] === "intact").length).toBeGreaterThan(300)
    expect(failuresOf("intact")).toEqual([])
  })

  const race = (what: string) => new RegExp(`^of \\d+ callers > ${what}`)

  it.each([
    ["reads before it redeems", race("(one (redeems|spends) the code|all redeem at once)")],
    ["reads before it rotates", /^of \d+ callers > (one rotates|all refresh at once)|^reseal > races with refreshes/],
    ["writes back what it read before it rotates", race("some revoke while others rotate")],
    ["takes a code at the moment of its end", /^redeem > (60000 ms after the approval is Expired|is expired)/],
    ["does not look at epochs", /epoch/],
    ["tells everybody that it was their revocation", /^revoke >|revokes$|another issuer/],
    ["deletes what has not ended", /^prune > .*(: 0$|nothing that goes on$)/],
    ["revokes the grants of every issuer", /of another issuer/],
    [
      "forgets the network of a rotation",
      /is a reason to|^rotate > puts the successor|at once, one of them from elsewhere/
    ],
    ["grants every scope at every resource", /each scope at its own resource/]
  ])("%s fails where that is stated, and nowhere else", (store, promise) => {
    // A history may come upon any promise.
    const failures = failuresOf(store).filter((failure) => !/any history .*ends as the model says$/.test(failure))
    expect(failures).not.toEqual([])
    expect(failures.filter((failure) => !promise.test(failure))).toEqual([])
  })
})
