import { mkdir } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

/** @param {string} relative */
const path = (relative) => fileURLToPath(new URL(`../../${relative}`, import.meta.url))

/**
 * Bundles a program of the tests into one file below the repository, where it finds its packages. Answers with its path.
 *
 * @param {string} entry the program, from the root
 * @param {string} name the name of the file in `test-output`
 * @param {Record<string, string>} [define] what stands for a name in it
 */
export const bundleTests = async (entry, name, define = {}) => {
  await mkdir(path("test-output"), { recursive: true })
  const outfile = path(`test-output/${name}`)
  await build({
    entryPoints: [path(entry)],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    define,
    logLevel: "error"
  })
  return outfile
}
