/** The package as its users get it: packed, installed in an empty project, composed into an app, type-checked, run. */
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { cp, readFile, realpath, writeFile } from "node:fs/promises"
import { createRequire, isBuiltin } from "node:module"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import packageJson from "../../package.json" with { type: "json" }
import * as Cli from "../support/Cli.js"
import * as Declarations from "./support/Declarations.js"
import * as Project from "./support/Project.js"

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

/** The test of a storage by its author; here for one of ours. */
const contract = `import * as MemoryStorage from "latchkey/MemoryStorage"
import { storageContract } from "latchkey/testing/StorageContract"

storageContract("MyStore", MemoryStorage.layer)
`

/** The name of a module's file, without its ending. */
const fileOf = (title: string) => title.replace(/\W+/g, "-")

/** Runs the test of `examples/compose`, whose app the README shows. */
const passesReadmeTest = async ({ installed, path, run }: Project.Project) => {
  await cp(join(repository, "examples/compose"), join(path, "compose"), { recursive: true })
  const { stdout } = await run(process.execPath, installed("vitest/vitest.mjs"), "run", "--reporter=json", "compose")
  expect(JSON.parse(stdout.slice(stdout.indexOf("{")))).toMatchObject({ numFailedTests: 0, success: true })
}

describe("the packed package", () => {
  let project: Project.Project
  let packed: ReadonlyArray<string>
  /** The errors of the compiler in everything that an app may write. */
  let complaints: ReadonlyArray<string>
  const compile = () => {
    const subpaths = Declarations.subpaths(project.installed("latchkey"), packageJson.exports)
    return project.compile({
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
    })
  }
  const complaintsOf = (file: string) => complaints.filter((line) => line.startsWith(`${file}(`))

  /** Returns the modules that a declaration of the app names, and that the package does not export. */
  const unexported = async (file: string) => {
    const declaration = await readFile(join(project.path, "out", `${file}.d.ts`), "utf8")
    const { resolve } = createRequire(join(project.path, "app.js"))
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
    project = await Project.make()
    const tarball = await Project.pack(project)
    packed = tarball.files
    const optional = Object.keys(packageJson.peerDependenciesMeta)
    const manifest = {
      private: true,
      type: "module",
      dependencies: {
        latchkey: `file:${tarball.name}`,
        ...Project.dependencies(...optional, "oauth4webapi", "typescript", "@types/node")
      },
      overrides: { "better-sqlite3": await Project.driverVersion() }
    }
    await writeFile(join(project.path, "package.json"), JSON.stringify(manifest))
    await project.run("npm", "install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
    await Project.copyDriver(project.installed("better-sqlite3"))
    complaints = await compile()
  })
  afterAll(() => project?.remove())

  it("has at most eight dependencies, and pins none exactly", () => {
    const ranges = Object.values(packageJson.dependencies)
    expect(ranges.length).toBeLessThanOrEqual(8)
    expect([...ranges, ...Object.values(packageJson.peerDependencies)].filter((range) => !/^\^/.test(range))).toEqual(
      []
    )
  })

  it("loads vitest only in the contracts", () => {
    const file = (path: string) => project.installed(`latchkey/${path}`)
    const reached = new Set<string>()
    const reach = (path: string): void => {
      if (reached.has(path)) return
      reached.add(path)
      const text = readFileSync(file(path), "utf8")
      for (const [, name = ""] of text.matchAll(/^(?:import|export) .*?"(\.[^"]+)"/gm)) reach(join(dirname(path), name))
      expect(text).not.toMatch(/"(@effect\/)?vitest"/)
    }
    reach("dist/testing/index.js")
    expect(reached).toContain("dist/testing/TestClient.js")
  })

  it("contains the build and the documents only", () => {
    const read = ["CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "docs/latchkey.schema.json", "package.json"]
    expect(packed.filter((path) => !path.startsWith("dist/")).sort()).toEqual(read)
    expect(packed.filter((path) => /(^|\/)tests?\/|\.(test|spec)\.|(?<!\.d)\.ts$/.test(path))).toEqual([])
  })

  it("declares every package that its modules import, because some installers hide all others", async () => {
    const declared = { ...packageJson.dependencies, ...packageJson.peerDependencies }
    // The bundle holds other packages, with optional imports of theirs, and the contract needs vitest.
    const modules = packed.filter((path) => /^dist\/(?!bin\/|testing\/).*\.js$/.test(path))
    const texts = await Promise.all(modules.map((path) => readFile(join(project.installed("latchkey"), path), "utf8")))
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

  it("can be imported through each of its exports", async () => {
    // The contracts are imported by vitest alone.
    const paths = Object.keys(packageJson.exports).filter((path) => !/json$|Contract$/.test(path))
    const specifiers = paths.map((path) => `latchkey${path.slice(1)}`)
    const script = `for (const name of ${JSON.stringify(specifiers)}) await import(name)`
    await project.run(process.execPath, "--input-type=module", "--eval", script)
  })

  it("brings the latchkey command", async () => {
    const bin = join(project.installed(".bin"), "latchkey")
    expect((await project.run(bin, "--version")).stdout).toBe(`${packageJson.version}\n`)
    expect((await project.run(bin, "--help")).stdout).toContain("latchkey serve")
  })

  it("type-checks through each of its exports, with no types but those of its peers and of Node", () => {
    expect(complaints).toEqual([])
  })

  it.each(Object.keys(Declarations.modules))("lets an app emit declarations of %s", async (title) => {
    expect(complaintsOf(`${fileOf(title)}.ts`)).toEqual([])
    expect(await unexported(fileOf(title))).toEqual([])
  })

  it("lets an app re-export the values of its layers and services", async () => {
    const subpaths = Declarations.subpaths(project.installed("latchkey"), packageJson.exports)
    expect(subpaths.length).toBeGreaterThan(50)
    const left = await Promise.all(subpaths.map(({ subpath }) => unexported(fileOf(subpath))))
    expect(left.flat()).toEqual([])
  })

  it("hides the types of all services of a server", async () => {
    const { resolve } = createRequire(join(project.path, "app.js"))
    expect(() => resolve("latchkey/layers/wiring/AuthServer")).toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED|not defined/)
    const declaration = await readFile(join(project.path, "out", `${fileOf("a route and a server")}.d.ts`), "utf8")
    expect(declaration).not.toMatch(/Keyring|Sessions|PasswordHasher/)
  })

  it("is composed into an app that runs", async () => {
    const port = await Cli.freePort()
    const url = `http://127.0.0.1:${port}`
    const child = spawn(process.execPath, ["out/app.js", String(port)], { cwd: project.path, stdio: "ignore" })
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

  it("brings the contract of a storage, which the user's own vitest runs", async () => {
    const { stdout } = await project.run(
      process.execPath,
      project.installed("vitest/vitest.mjs"),
      "run",
      "--reporter=json",
      "store.test.ts"
    )
    const { numFailedTests, numPassedTests } = JSON.parse(stdout.slice(stdout.indexOf("{")))
    expect(numFailedTests).toBe(0)
    expect(numPassedTests).toBeGreaterThan(100)
  })

  it("passes the test of the README's app", () => passesReadmeTest(project))
})

describe("the packed package, installed by pnpm without hoisting", () => {
  let project: Project.Project
  beforeAll(async () => {
    project = await Project.make()
    const tool = join(project.path, "tool")
    await project.run("npm", "install", "--prefix", tool, "--no-audit", "--no-fund", "pnpm@9")
    const { name } = await Project.pack(project)
    const manifest = {
      private: true,
      type: "module",
      dependencies: {
        latchkey: `file:${name}`,
        ...Project.dependencies(
          "@effect/platform-node",
          "@effect/vitest",
          "vitest",
          "oauth4webapi",
          "typescript",
          "@types/node"
        )
      },
      pnpm: { overrides: { "better-sqlite3": await Project.driverVersion() } }
    }
    await writeFile(join(project.path, "package.json"), JSON.stringify(manifest))
    await writeFile(join(project.path, ".npmrc"), "hoist=false\n")
    const pnpm = join(tool, "node_modules/pnpm/bin/pnpm.cjs")
    await project.run(process.execPath, pnpm, "install", "--ignore-scripts", "--prefer-offline")
    const latchkey = await realpath(project.installed("latchkey"))
    await Project.copyDriver(join(dirname(latchkey), "better-sqlite3"))
  })
  afterAll(() => project?.remove())

  it("type-checks an app that emits its declarations", async () => {
    const readme = await readFile(join(repository, "examples/compose/app.ts"), "utf8")
    expect(await project.compile({ "server.ts": app, "readme.ts": readme })).toEqual([])
  })

  it("passes the test of the README's app", () => passesReadmeTest(project))
})
