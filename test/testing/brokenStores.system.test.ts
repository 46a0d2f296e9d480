/** A store that breaks a promise fails the tests of that promise. */
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

/** Runs the contract over all broken stores. Returns the results and the exit code. */
const run = () =>
  new Promise<{ readonly all: ReadonlyArray<Assertion>; readonly code: number }>((resolve, reject) => {
    const args = [vitest, "run", "--config", join(folder, "vitest.config.ts"), "--reporter=json"]
    execFile(process.execPath, args, { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      try {
        const { testResults } = JSON.parse(stdout.slice(stdout.indexOf("{")))
        const all = testResults.flatMap((file: { readonly assertionResults: unknown }) => file.assertionResults)
        resolve({ all, code: Number(error?.code ?? 0) })
      } catch (cause) {
        reject(new Error(`vitest printed no JSON: ${stderr}`, { cause }))
      }
    })
  })

describe("the storage contract", () => {
  let all: ReadonlyArray<Assertion>
  let code: number
  beforeAll(async () => {
    ;({ all, code } = await run())
  })

  const failuresOf = (store: string) =>
    all
      .filter(({ ancestorTitles, status }) => ancestorTitles[0] === store && status === "failed")
      .map(({ ancestorTitles, title }) => [...ancestorTitles.slice(1), title].join(" > "))

  it("the exit code is 1 if a store fails", () => {
    expect(code).toBe(1)
  })

  it("a store that keeps its promises passes", () => {
    expect(all.filter(({ ancestorTitles }) => ancestorTitles[0] === "intact").length).toBeGreaterThan(300)
    expect(failuresOf("intact")).toEqual([])
  })

  const race = (what: string) => new RegExp(`^of \\d+ callers > ${what}`)

  it.each([
    ["reads before it redeems", race("(one of many callers (redeems|spends) the code|if all redeem at once)")],
    [
      "reads before it rotates",
      /^of \d+ callers > (one of many callers rotates|if all refresh at once)|^reseal > reseal and refresh/
    ],
    ["writes back what it read before it rotates", race("a grant stays revoked if some callers revoke it")],
    [
      "takes a code at the moment of its end",
      /^redeem > (a redemption 60000 ms after the approval is Expired|an expired code)/
    ],
    ["does not look at epochs", /epoch/],
    ["returns true to every caller of revoke", /^revoke >|revokes the grant$|another issuer/],
    ["deletes what has not ended", /^prune > .*(: 0$|no grant that has not ended$)/],
    ["revokes the grants of every issuer", /of another issuer/],
    [
      "forgets the network of a rotation",
      /^with the policy|^rotate > a rotation replaces|at once, one of them from another network/
    ],
    ["grants every scope at every resource", /each scope at its own resource/]
  ])("a store that %s fails only the tests of that promise", (store, promise) => {
    // A random history may test any promise.
    const failures = failuresOf(store).filter((failure) => !/any history .*ends as the model says$/.test(failure))
    expect(failures).not.toEqual([])
    expect(failures.filter((failure) => !promise.test(failure))).toEqual([])
  })
})
