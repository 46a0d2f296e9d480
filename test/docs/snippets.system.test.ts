/**
 * Tests the documents: each program in them is a literal part of an example that has a test, and each command in them runs
 * here, in the order of the document, on a new server.
 */
import { spawn } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../support/Cli.js"
import * as Postgres from "../support/Postgres.js"

const root = fileURLToPath(new URL("../../", import.meta.url))

const documents = ["README.md", ...readdirSync(join(root, "docs/guide")).map((name) => `docs/guide/${name}`)]

/** The blocks of a language. */
const blocks = (document: string, language: string): ReadonlyArray<string> =>
  Array.from(
    readFileSync(join(root, document), "utf8").matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms")),
    ([, text = ""]) => text
  )

/** Example programs with a test in their folder. */
const examples = readdirSync(join(root, "examples"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .filter((file) => readdirSync(join(root, "examples", dirname(file))).some((name) => name.endsWith(".test.ts")))
  .map((file) => readFileSync(join(root, "examples", file), "utf8"))

describe.each(documents)("%s", (document) => {
  it("every program in the document is a part of an example with a test", () => {
    for (const block of blocks(document, "ts")) {
      expect(
        examples.some((example) => example.includes(block)),
        block
      ).toBe(true)
    }
  })

  it("every link in the document has a target", () => {
    const text = readFileSync(join(root, document), "utf8")
    const files = Array.from(text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g), ([, file = ""]) => file)
    expect(files.filter((file) => !existsSync(join(root, dirname(document), file)))).toEqual([])
  })
})

/** Adds the input that a user types when a command asks for a new password. */
const typed = (line: string): string =>
  /\buser (create|set-password) (?!.*--password-stdin)/.test(line)
    ? `echo "correct horse battery" | ${line} --password-stdin`
    : line

/** The commands of a block, without those that install the project itself. */
const commands = (block: string): ReadonlyArray<string> =>
  block
    .replaceAll("node dist/bin/latchkey.js", "latchkey")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    // `npm start` builds the program and then runs this.
    .map((line) => line.replace(/^npm ci && npm start$/, "latchkey serve --demo"))
    .filter((line) => line !== "" && !/^(#|npm |npx )/.test(line))

/** The address of PostgreSQL in the documents, which the tests replace by their own. */
const postgres = "postgres://latchkey@db.example.com/latchkey"

const withCommands = documents.filter((document) => blocks(document, "sh").length > 0)
const isLeftOut = (document: string) =>
  Postgres.missing !== undefined && blocks(document, "sh").some((block) => block.includes(postgres))

it.runIf(withCommands.some(isLeftOut))(Postgres.named("some documents need a PostgreSQL"), () => {})

describe.each(withCommands.filter((document) => !isLeftOut(document)))("%s", (document) => {
  /** The variables that the commands of the document have exported. */
  const exported: Record<string, string> = {}
  const scope = Effect.runSync(Scope.make())
  let database: string
  let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
  let port: number
  let server: Cli.Server | undefined
  beforeAll(async () => {
    folder = await Cli.temporaryFolder()
    port = await Cli.freePort()
    database =
      Postgres.missing === undefined
        ? Redacted.value(await Effect.runPromise(Scope.extend(Postgres.database, scope)))
        : postgres
    const program = join(folder.path, "bin/latchkey")
    mkdirSync(dirname(program))
    writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${Cli.bin}" "$@"\n`)
    chmodSync(program, 0o755)
  })
  afterAll(async () => {
    await server?.stop()
    await folder.remove()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  const run = (line: string) =>
    new Promise<{ readonly line: string; readonly code: number | null; readonly said: string }>((resolve) => {
      const env = {
        PATH: [join(folder.path, "bin"), dirname(process.execPath), process.env.PATH].join(delimiter),
        HOME: folder.path,
        LATCHKEY_PORT: String(port),
        ...exported
      }
      const child = spawn("sh", ["-c", typed(line)], { cwd: folder.path, env, stdio: ["ignore", "pipe", "pipe"] })
      let said = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text))
      child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text))
      child.once("close", (code) => resolve({ line, code, said }))
    })

  it("every command in the document succeeds", async () => {
    for (const line of blocks(document, "sh")
      .flatMap(commands)
      .map((line) => line.replaceAll(postgres, database).replaceAll("127.0.0.1:9400", `127.0.0.1:${port}`))) {
      const [, name] = /^export (\w+)=/.exec(line) ?? []
      if (name !== undefined) {
        const { code, said } = await run(`${line}; printenv ${name}`)
        expect({ line, code }).toEqual({ line, code: 0 })
        exported[name] = said.trim()
        continue
      }
      const [, args] = /^latchkey serve\b(.*)$/.exec(line) ?? []
      if (args === undefined) {
        const { code, said } = await run(line)
        expect({ line, code, said: code === 0 ? "" : said }).toEqual({ line, code: 0, said: "" })
      } else {
        await server?.stop()
        server = await Cli.startServer({
          args: args.split(" ").filter((arg) => arg !== ""),
          env: { LATCHKEY_PORT: String(port), ...exported },
          folder: folder.path
        })
      }
    }
  })
})
