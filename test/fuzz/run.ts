/** The fuzzer, by `npm run fuzz`: prints what was sent and answered, and ends with 1 when a promise was broken. */
import { parseArgs } from "node:util"
import * as Fuzz from "./support/Fuzz.js"

const usage = `npm run fuzz -- [--requests 2000] [--seed N] [--concurrency 16] [--strict-time] [--minutes 15] [--only CASE]

Sends requests to a server of its own, well-formed and malformed, and checks every answer, the log, the memory and the
database. A run that finds something prints the seed and the number of the case: --seed N --only CASE plays it again.
--strict-time allows no answer more than a second, for an idle machine. --minutes limits the run.`

const { values } = parseArgs({
  options: {
    help: { type: "boolean", default: false },
    requests: { type: "string", default: "2000" },
    seed: { type: "string" },
    concurrency: { type: "string", default: "16" },
    minutes: { type: "string", default: "15" },
    only: { type: "string" },
    "strict-time": { type: "boolean", default: false }
  }
})

const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
const numbers = [values.requests, values.concurrency, values.minutes].map(Number)
if (values.help || ![seed, ...numbers].every((number) => Number.isInteger(number) && number >= 0)) {
  process.stdout.write(`${usage}\n`)
  process.exit(values.help ? 0 : 2)
}

const print = (line: string) => process.stdout.write(`${line}\n`)
const listed = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${count}`)
    .join(", ")

print(`seed ${seed}`)
const [requests = 0, concurrency = 1, minutes = 0] = numbers
const report = await Fuzz.run({
  requests,
  seed,
  concurrency: Math.max(1, concurrency),
  isStrict: values["strict-time"],
  only: values.only === undefined ? undefined : Number(values.only),
  timeLimit: minutes * 60_000
})

const { findings, kinds, memory, millis, rows, seconds, secrets, statuses, workingTokens } = report
print(`${report.requests} requests in ${Math.round(seconds)} s`)
print(`statuses: ${listed(statuses)}`)
print(`cases: ${listed(kinds)}`)
print(`milliseconds: median ${millis.p50.toFixed(1)}, p99 ${millis.p99.toFixed(1)}, most ${millis.most.toFixed(1)}`)
print(
  `memory in MiB: warm ${Math.round(memory.warm)}, most ${Math.round(memory.most)}, last ${Math.round(memory.last)}`
)
print(`rows: ${listed(rows)}; ${secrets} secrets looked for; ${workingTokens} refresh tokens work`)
for (const { detail, index, kind, oracle, request } of findings) {
  print(`\nbroken: ${oracle}: ${detail}`)
  print(
    `  in ${index === undefined ? kind : `case ${index} (${kind}); npm run fuzz -- --seed ${seed} --only ${index}`}`
  )
  if (request !== "") print(`  after: ${request.slice(0, 8_000)}`)
}
print(findings.length === 0 ? "no promise was broken" : `\n${findings.length} findings with seed ${seed}`)
process.exitCode = findings.length === 0 ? 0 : 1
