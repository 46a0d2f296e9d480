/**
 * Runs npm scripts, and prints at the end which failed and how long each took. Usage:
 *
 *     node scripts/steps.mjs lint,typecheck tests
 *
 * Scripts joined by a comma run at the same time, at most two. The output of a script is printed when it has ended. After
 * a script that failed, those of its group still run, and the later groups do not. Exits 1 if a script failed.
 */
import { spawn } from "node:child_process"
import { isEntryPoint } from "./lib/sources.mjs"

/** Maximum number of scripts at the same time: the checks are made for two cores. */
const limit = 2

/** @typedef {{ readonly name: string, readonly code: number, readonly seconds: number }} Result */

/**
 * Runs one npm script. Its output is passed on at once if it runs alone, and in one piece if not.
 *
 * @param {string} name
 * @param {boolean} isAlone
 * @returns {Promise<Result>}
 */
const run = (name, isAlone) =>
  new Promise((resolve) => {
    const begun = Date.now()
    const child = spawn("npm", ["run", "--silent", name], { stdio: ["ignore", "pipe", "pipe"] })
    /** @type {Array<Buffer>} */
    const output = []
    /** @param {Buffer} data */
    const keep = (data) => (isAlone ? process.stdout.write(data) : output.push(data))
    child.stdout.on("data", keep)
    child.stderr.on("data", keep)
    child.once("error", (error) => keep(Buffer.from(`${error}\n`)))
    child.once("close", (code) => {
      process.stdout.write(Buffer.concat(output))
      resolve({ name, code: code ?? 1, seconds: Math.round((Date.now() - begun) / 1_000) })
    })
  })

/** @param {ReadonlyArray<string>} groups */
const main = async (groups) => {
  /** @type {Array<Result>} */
  const results = []
  for (const group of groups) {
    const waiting = group.split(",")
    const isAlone = waiting.length === 1
    const worker = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
        results.push(await run(name, isAlone))
    }
    await Promise.all(Array.from({ length: limit }, worker))
    if (results.some(({ code }) => code !== 0)) break
  }
  for (const { code, name, seconds } of results)
    console.log(`${code === 0 ? "passed" : "FAILED"} ${name} (${seconds} s)`)
  const skipped = groups
    .flatMap((group) => group.split(","))
    .filter((name) => !results.some((result) => result.name === name))
  if (skipped.length > 0) console.log(`not run: ${skipped.join(", ")}`)
  process.exitCode = results.every(({ code }) => code === 0) ? 0 : 1
}

if (isEntryPoint(import.meta.url)) await main(process.argv.slice(2))
