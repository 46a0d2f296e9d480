/** The built program with one promise broken. A test that it passes proves nothing. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { bin } from "../../support/Cli.js"

/** The program with each text that is a key replaced by its value. It is deleted afterwards. */
export const using = async <A>(
  changes: Readonly<Record<string, string>>,
  use: (program: string) => Promise<A>
): Promise<A> => {
  // In the repository, where it finds its packages.
  const output = join(dirname(bin), "../../test-output")
  await mkdir(output, { recursive: true })
  const folder = await mkdtemp(join(output, "changed-"))
  try {
    await cp(dirname(bin), folder, { recursive: true })
    const missing = new Set(Object.keys(changes))
    for (const name of await readdir(folder)) {
      const file = join(folder, name)
      let text = await readFile(file, "utf8")
      for (const [from, to] of Object.entries(changes)) {
        if (!text.includes(from)) continue
        missing.delete(from)
        text = text.replaceAll(from, to)
        await writeFile(file, text)
      }
    }
    if (missing.size > 0) throw new Error(`the program does not hold ${[...missing].join(", ")}`)
    return await use(join(folder, "latchkey.js"))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
