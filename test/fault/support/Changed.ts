/** The built program with one promise broken. A test that it passes proves nothing. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { bin } from "../../support/Cli.js"

/** The program with one text replaced. It is deleted afterwards. */
export const using = async <A>(from: string, to: string, use: (program: string) => Promise<A>): Promise<A> => {
  // In the repository, where it finds its packages.
  const output = join(dirname(bin), "../../test-output")
  await mkdir(output, { recursive: true })
  const folder = await mkdtemp(join(output, "changed-"))
  try {
    await cp(dirname(bin), folder, { recursive: true })
    let count = 0
    for (const name of await readdir(folder)) {
      const text = await readFile(join(folder, name), "utf8")
      if (!text.includes(from)) continue
      count++
      await writeFile(join(folder, name), text.replaceAll(from, to))
    }
    if (count === 0) throw new Error(`the program does not hold ${from}`)
    return await use(join(folder, "latchkey.js"))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
