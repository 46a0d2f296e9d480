/** An empty project of a user, in a folder of its own, with the packed package installed. */
import { execFile } from "node:child_process"
import { cp, readFile, realpath, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import packageJson from "../../../package.json" with { type: "json" }
import * as Cli from "../../support/Cli.js"

const repository = fileURLToPath(new URL("../../..", import.meta.url))

export interface Project {
  readonly path: string
  /** Runs a program in the project. The error of a failure holds its output. */
  readonly run: (command: string, ...args: ReadonlyArray<string>) => Promise<{ readonly stdout: string }>
  /** Returns the path of a file in an installed package. */
  readonly installed: (name: string) => string
  /** Writes files, and returns the lines in which the compiler reports an error. */
  readonly compile: (texts: Readonly<Record<string, string>>) => Promise<ReadonlyArray<string>>
  readonly remove: () => Promise<void>
}

/** Returns a project without dependencies. */
export const make = async (): Promise<Project> => {
  const folder = await Cli.temporaryFolder()
  const run: Project["run"] = (command, ...args) =>
    promisify(execFile)(command, args, { cwd: folder.path, maxBuffer: 1 << 26 }).catch(({ stderr, stdout }) =>
      Promise.reject(new Error(`${command} ${args}:\n${stdout}${stderr}`))
    )
  const installed = (name: string) => join(folder.path, "node_modules", name)
  const compilerOptions = {
    ...{ module: "nodenext", target: "es2022", types: ["node"] },
    ...{ strict: true, skipLibCheck: false, declaration: true, rootDir: ".", outDir: "out" }
  }
  const compile: Project["compile"] = async (texts) => {
    for (const [file, text] of Object.entries(texts)) await writeFile(join(folder.path, file), text)
    await writeFile(join(folder.path, "tsconfig.json"), JSON.stringify({ compilerOptions, files: Object.keys(texts) }))
    const compiled = run(process.execPath, installed("typescript/bin/tsc"), "--pretty", "false")
    const { stdout } = await compiled.catch(({ message }: Error) => ({ stdout: message }))
    return stdout.split("\n").filter((line) => /error TS/.test(line))
  }
  return { path: folder.path, run, installed, compile, remove: folder.remove }
}

/** Packs the package into the project; returns the name of the tarball and the files in it. */
export const pack = async ({ path, run }: Project) => {
  const { stdout } = await run("npm", "pack", "--json", "--ignore-scripts", "--pack-destination", path, repository)
  const [tarball] = JSON.parse(stdout)
  const files: ReadonlyArray<string> = tarball.files.map(({ path }: { readonly path: string }) => path)
  return { name: `./${tarball.filename}`, files }
}

/** The required peers of the package, and other packages, each at the version of this repository. */
export const dependencies = (...others: ReadonlyArray<string>): Readonly<Record<string, string>> => {
  const { devDependencies, peerDependencies, peerDependenciesMeta } = packageJson
  const required = Object.keys(peerDependencies).filter((name) => !(name in peerDependenciesMeta))
  return Object.fromEntries(
    [...required, ...others].map((name) => [name, devDependencies[name as keyof typeof devDependencies]])
  )
}

const driver = join(repository, "node_modules/better-sqlite3")

/** The version of the SQLite driver that this repository has compiled. */
export const driverVersion = async (): Promise<string> =>
  JSON.parse(await readFile(join(driver, "package.json"), "utf8")).version

/** Copies the compiled driver: to compile it takes longer than the whole test. */
export const copyDriver = async (into: string): Promise<void> => {
  const binary = "build/Release/better_sqlite3.node"
  await cp(join(driver, binary), join(await realpath(into), binary), { recursive: true })
}
