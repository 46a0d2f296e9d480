/**
 * The samples of docstrings, README and guide compile as they are, imports included. Those of docstrings also run, unless
 * they declare a value that only an app has; a comment behind an expression, `f(x) // y`, is the value that it must have.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { describe, expect, it } from "vitest"
import manifest from "../../package.json" with { type: "json" }
import { typescriptFiles } from "../../scripts/lib/sources.mjs"

const root = fileURLToPath(new URL("../../", import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), "utf8")

interface Sample {
  /** The file that shows it, with the number of the line. */
  readonly where: string
  /** The folder from which its relative imports are resolved. */
  readonly folder: string
  readonly text: string
}

/** Everything from `@example` to the next tag, or to the end of the comment. */
const exampleTag = /^@example\n?(.*?)(?=^@\w|$(?![\s\S]))/gms

const samplesOfSource = (file: string): ReadonlyArray<Sample> => {
  const source = read(file)
  return Array.from(source.matchAll(/\/\*\*.*?\*\//gs)).flatMap((comment) => {
    const text = comment[0].replace(/^[ \t]*\/?\*+[ /]?/gm, "").replace(/\s*\*\/$/, "")
    const line = source.slice(0, comment.index).split("\n").length
    return Array.from(text.matchAll(exampleTag), ([, example = ""]) => ({
      where: `${file}:${line}`,
      folder: dirname(file),
      text: example
    }))
  })
}

const programs = readdirSync(join(root, "examples"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ folder: dirname(`examples/${name}`), text: read(`examples/${name}`) }))

/** The programs of a document. Each is a part of an example, whose other files it may import. */
const samplesOfDocument = (file: string): ReadonlyArray<Sample> => {
  const document = read(file)
  return Array.from(document.matchAll(/^```ts\n(.*?)^```/gms), ({ 1: text = "", index }) => ({
    where: `${file}:${document.slice(0, index).split("\n").length}`,
    folder: programs.find((program) => program.text.includes(text))?.folder ?? "examples",
    text
  }))
}

const docstrings = typescriptFiles(root, "src").flatMap(samplesOfSource)
const documents = ["README.md", ...readdirSync(join(root, "docs/guide")).map((name) => `docs/guide/${name}`)]
const samples = [...docstrings, ...documents.flatMap(samplesOfDocument)]

/** A file of the sample in its folder, which exists for the compiler only. `export {}` makes a module of every sample. */
const virtualFiles = new Map(
  samples.map(({ folder, text }, index) => [join(root, folder, `sample-${index}.ts`), `${text}\nexport {}\n`])
)

/** The errors of all samples, by their file. */
const compile = (): ReadonlyMap<string, ReadonlyArray<string>> => {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root)
  // A sample may show a value that nothing reads.
  const relaxed = { ...options, noUnusedLocals: false, noUnusedParameters: false, incremental: false, plugins: [] }
  const host = ts.createCompilerHost(relaxed)
  const { fileExists, getSourceFile, readFile } = host
  const program = ts.createProgram({
    rootNames: [...virtualFiles.keys()],
    options: relaxed,
    host: {
      ...host,
      fileExists: (name) => virtualFiles.has(name) || fileExists(name),
      readFile: (name) => virtualFiles.get(name) ?? readFile(name),
      getSourceFile: (name, version, ...rest) => {
        const text = virtualFiles.get(name)
        return text === undefined
          ? getSourceFile(name, version, ...rest)
          : ts.createSourceFile(name, text, version, true)
      }
    }
  })
  return new Map(
    [...virtualFiles.keys()].map((name) => {
      const source = program.getSourceFile(name)
      const errors = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
      return [name, errors.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))]
    })
  )
}

describe("a sample", () => {
  let errors: ReturnType<typeof compile> | undefined
  it.each(samples.map((sample, index) => ({ ...sample, index })))(
    "the sample of $where compiles",
    ({ folder, index }) => {
      errors ??= compile()
      expect(errors.get(join(root, folder, `sample-${index}.ts`))).toEqual([])
    }
  )

  it.each(samples)("the sample of $where imports only modules that the package exports", ({ text }) => {
    const imported = Array.from(text.matchAll(/ from "latchkey(\/[^"]*)?"/g), ([, path = ""]) => `.${path}`)
    expect(imported.filter((path) => !(path in manifest.exports))).toEqual([])
  })

  const runnable = docstrings.filter(({ text }) => !/^declare |from "latchkey\/testing/m.test(text))
  it.each(runnable)("the sample of $where runs, and its values are as shown", async ({ folder, text, where }) => {
    const program = text
      .replaceAll(/ from "(\.[^"]+)\.js"/g, (_, path) => ` from "${resolve(root, folder, path)}.ts"`)
      .replaceAll(/^(?!import|export|const|\/\/|[)}])(\S.*) \/\/ (.+)$/gm, "assertEqual($1, $2)")
    const file = join(root, "test-output/samples", `${where.replaceAll(/[/:.]/g, "-")}.ts`)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `import { assertEqual } from "${join(root, "test/docs/assertEqual.ts")}"\n${program}`)
    await import(file)
  })
})
