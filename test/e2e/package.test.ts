/** The package as its users get it: packed, installed in an empty project, composed into an app, type-checked, run. */
import { execFile, spawn } from "node:child_process"
import { cp, readFile, writeFile } from "node:fs/promises"
import { createRequire, isBuiltin } from "node:module"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import packageJson from "../../package.json" with { type: "json" }
import * as Cli from "../support/Cli.js"
import * as Declarations from "./support/Declarations.js"

vi.setConfig({ testTimeout: 300_000, hookTimeout: 600_000 })

const repository = fileURLToPath(new URL("../..", import.meta.url))

/** Module paths, as the library itself imports: the barrel of platform-node needs types of `ws` that it does not bring. */
const app = `import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer } from "effect"
import { AuthLayer, BearerAuth } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"
import * as NodeServer from "latchkey/NodeServer"
import * as SqliteStorage from "latchkey/SqliteStorage"

const port = Number(process.argv[2])
const issuer = \`http://127.0.0.1:\${port}\`

const Notes = HttpLayerRouter.add(
  "GET",
  "/notes",
  Effect.map(CurrentAccess, ({ subject }) => HttpServerResponse.unsafeJson({ subject }))
).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))

const Auth = AuthLayer.layer({
  issuer,
  resources: [{ uri: \`\${issuer}/notes\`, scopes: { "notes:read": "Read your notes" } }]
}).pipe(Layer.provide(SqliteStorage.layer({ filename: "auth.db" })))

HttpLayerRouter.serve(Layer.provideMerge(Notes, Auth)).pipe(
  Layer.provide(NodeHttpServer.layer(NodeServer.createServer, { host: "127.0.0.1", port })),
  Layer.launch,
  NodeRuntime.runMain
)
`

/** The tests of somebody's own store; here of one that is ours. */
const contract = `import * as MemoryStorage from "latchkey/MemoryStorage"
import { storageContract } from "latchkey/testing/StorageContract"

storageContract("MyStore", MemoryStorage.layer)
`

const compilerOptions = {
  ...{ module: "nodenext", target: "es2022", types: ["node"] },
  ...{ strict: true, skipLibCheck: false, declaration: true, rootDir: ".", outDir: "out" }
}

/** The name of a module's file, without its ending. */
const fileOf = (title: string) => title.replace(/\W+/g, "-")

describe("the packed package", () => {
  let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
  let packed: ReadonlyArray<string>

  /** Runs a program in the project; what it says when it fails is what the test says. */
  const inProject = async (command: string, ...args: ReadonlyArray<string>) => {
    const ended = promisify(execFile)(command, args, { cwd: folder.path })
    return ended.catch(({ stderr, stdout }) => Promise.reject(new Error(`${command} ${args}:\n${stdout}${stderr}`)))
  }
  const installed = (name: string) => join(folder.path, "node_modules", name)

  /** What the compiler says of everything that an app may write, by file. */
  let complaints: ReadonlyArray<string>
  const compile = async () => {
    const subpaths = Declarations.subpaths(installed("latchkey"), packageJson.exports)
    const texts = {
      "app.ts": app,
      "store.test.ts": contract,
      "imports.ts": subpaths.map(({ subpath }, index) => `export * as m${index} from "${subpath}"\n`).join(""),
      ...Object.fromEntries(
        Object.entries(Declarations.modules).map(([title, module]) => [
          `${fileOf(title)}.ts`,
          Declarations.text(module)
        ])
      ),
      ...Object.fromEntries(
        subpaths.map(({ declarations, subpath }) => [
          `${fileOf(subpath)}.ts`,
          Declarations.sweep(subpath, declarations)
        ])
      )
    }
    for (const [file, text] of Object.entries(texts)) await writeFile(join(folder.path, file), text)
    const files = Object.keys(texts)
    await writeFile(join(folder.path, "tsconfig.json"), JSON.stringify({ compilerOptions, files }))
    const tsc = join(dirname(installed("typescript/bin/tsc")), "tsc")
    const compiled = inProject(process.execPath, tsc, "--pretty", "false").catch(({ message }: Error) => ({
      stdout: message
    }))
    complaints = (await compiled).stdout.split("\n").filter((line) => /error TS/.test(line))
  }
  const complaintsOf = (file: string) => complaints.filter((line) => line.startsWith(`${file}(`))

  /** What the package does not export, of the modules that a declaration of the app names. */
  const unexported = async (file: string) => {
    const declaration = await readFile(join(folder.path, "out", `${file}.d.ts`), "utf8")
    const { resolve } = createRequire(join(folder.path, "app.js"))
    return Declarations.named(declaration).filter((name) => {
      if (!/^(latchkey|\.)/.test(name)) return false
      if (!name.startsWith("latchkey")) return true
      try {
        return !resolve(name)
      } catch {
        return true
      }
    })
  }

  beforeAll(async () => {
    folder = await Cli.temporaryFolder()
    const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder.path, repository]
    const [tarball] = JSON.parse((await inProject("npm", ...pack)).stdout)
    packed = tarball.files.map(({ path }: { readonly path: string }) => path)
    await writeFile(join(folder.path, "package.json"), JSON.stringify({ private: true, type: "module" }))
    const { devDependencies } = packageJson
    // Those that are optional are for those who use them.
    const needed = Object.keys(packageJson.peerDependencies).filter(
      (name) => !(name in packageJson.peerDependenciesMeta)
    )
    const wanted = [...needed, "@redis/client", "vitest", "@effect/vitest", "typescript", "@types/node"].map(
      (name) => `${name}@${devDependencies[name as keyof typeof devDependencies]}`
    )
    const quickly = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]
    await inProject("npm", "install", ...quickly, `./${tarball.filename}`, ...wanted)
    // Compiling it takes longer than all the rest, and was done for this repository.
    const versionIn = async (path: string) => JSON.parse(await readFile(join(path, "package.json"), "utf8")).version
    const driver = join(repository, "node_modules/better-sqlite3")
    expect(await versionIn(installed("better-sqlite3"))).toBe(await versionIn(driver))
    const binary = "build/Release/better_sqlite3.node"
    await cp(join(driver, binary), join(installed("better-sqlite3"), binary), { recursive: true })
    await compile()
  })
  afterAll(() => folder?.remove())

  it("holds what is built and what is to be read, and nothing else", () => {
    const read = ["CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "docs/latchkey.schema.json", "package.json"]
    expect(packed.filter((path) => !path.startsWith("dist/")).sort()).toEqual(read)
    expect(packed.filter((path) => /(^|\/)tests?\/|\.(test|spec)\.|(?<!\.d)\.ts$/.test(path))).toEqual([])
  })

  it("declares every package that its modules import: some installers let a package see no other", async () => {
    const declared = { ...packageJson.dependencies, ...packageJson.peerDependencies }
    // The bundle holds other packages, with optional imports of theirs, and the contract needs vitest.
    const modules = packed.filter((path) => /^dist\/(?!bin\/|testing\/).*\.js$/.test(path))
    const texts = await Promise.all(modules.map((path) => readFile(join(installed("latchkey"), path), "utf8")))
    const imported = texts.flatMap((text) =>
      Array.from(
        text.matchAll(/^(?:import|export) (?:[\w$*{},\s]* from )?"([^".][^"]*)"|\bimport\("([^".][^"]*)"\)/gm),
        ([, one, other]) => one ?? other ?? ""
      )
    )
    const names = new Set(
      imported.filter((name) => !isBuiltin(name)).map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name)
    )
    expect(names).toContain("pg-connection-string")
    expect(Array.from(names).filter((name) => !(name in declared))).toEqual([])
  })

  it("can be imported by each of its exports", async () => {
    const layers = packed.flatMap((path) => /^dist\/(layers\/[^/]+)\.js$/.exec(path)?.[1] ?? [])
    // The contract is imported by vitest alone.
    const fixed = Object.keys(packageJson.exports).filter((path) => !/\*|json$|testing/.test(path))
    const paths = [...fixed.map((path) => path.replace(/^\.\/?/, "")), ...layers]
    expect(paths).toContain("layers/SqliteStorage")
    const specifiers = paths.map((path) => ["latchkey", path].filter(Boolean).join("/"))
    const script = `for (const name of ${JSON.stringify(specifiers)}) await import(name)`
    await inProject(process.execPath, "--input-type=module", "--eval", script)
  })

  it("brings its program", async () => {
    const bin = join(installed(".bin"), "latchkey")
    expect((await inProject(bin, "--version")).stdout).toBe(`${packageJson.version}\n`)
    expect((await inProject(bin, "--help")).stdout).toContain("latchkey serve")
  })

  it("type-checks to the last declaration, by each of its exports, with the types of its peers and of Node alone", () => {
    expect(complaints).toEqual([])
  })

  it.each(Object.keys(Declarations.modules))("lets an app emit declarations of %s", async (title) => {
    expect(complaintsOf(`${fileOf(title)}.ts`)).toEqual([])
    expect(await unexported(fileOf(title))).toEqual([])
  })

  it("lets an app export again what any of its layers and services gives", async () => {
    const subpaths = Declarations.subpaths(installed("latchkey"), packageJson.exports)
    expect(subpaths.length).toBeGreaterThan(50)
    const left = await Promise.all(subpaths.map(({ subpath }) => unexported(fileOf(subpath))))
    expect(left.flat()).toEqual([])
  })

  it("hides the types of all services of a server", async () => {
    const { resolve } = createRequire(join(folder.path, "app.js"))
    expect(() => resolve("latchkey/internal/AuthServer")).toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED|not defined/)
    const declaration = await readFile(join(folder.path, "out", `${fileOf("a route beside a server")}.d.ts`), "utf8")
    expect(declaration).not.toMatch(/Keyring|Sessions|PasswordHasher/)
  })

  it("is composed into an app that runs", async () => {
    const port = await Cli.freePort()
    const url = `http://127.0.0.1:${port}`
    const child = spawn(process.execPath, ["out/app.js", String(port)], { cwd: folder.path, stdio: "ignore" })
    const ended = new Promise((resolve) => child.once("close", resolve))
    try {
      const deadline = Date.now() + 30_000
      // It answers 503 until its routes are there.
      const answers = () =>
        fetch(`${url}/ready`, { signal: AbortSignal.timeout(1000) })
          .then(({ ok }) => ok)
          .catch(() => false)
      while (!(await answers())) {
        if (child.exitCode !== null || Date.now() > deadline) throw new Error("the app does not answer")
        await sleep(50)
      }
      const metadata = await fetch(`${url}/.well-known/oauth-authorization-server`)
      expect(await metadata.json()).toMatchObject({ issuer: url })
      const refused = await fetch(`${url}/notes`)
      expect(refused.status).toBe(401)
      expect(refused.headers.get("www-authenticate")).toMatch(/^Bearer .*resource_metadata=/)
      const registered = await fetch(`${url}/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ redirect_uris: ["https://client.example/callback"] })
      })
      expect(registered.status).toBe(201)
    } finally {
      child.kill("SIGKILL")
      await ended
    }
  })

  it("brings the contract, which somebody's own vitest runs on a store", async () => {
    const { stdout } = await inProject(join(installed(".bin"), "vitest"), "run", "--reporter=json", "store.test.ts")
    const { numFailedTests, numPassedTests } = JSON.parse(stdout.slice(stdout.indexOf("{")))
    expect(numFailedTests).toBe(0)
    expect(numPassedTests).toBeGreaterThan(100)
  })
})
