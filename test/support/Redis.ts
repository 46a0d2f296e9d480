/** A real Redis: the one that `LATCHKEY_TEST_REDIS` names, or `redis-server` of the PATH on a free port of loopback. */
import { spawn, spawnSync } from "node:child_process"
import * as Effect from "effect/Effect"
import { freePort, temporaryFolder } from "./Cli.js"

const given = process.env.LATCHKEY_TEST_REDIS

/** Why there is none; `undefined` when there is. */
export const missing =
  given === undefined && spawnSync("redis-server", ["--version"]).error !== undefined
    ? "left out: there is no redis-server in the PATH, and LATCHKEY_TEST_REDIS names none"
    : undefined

/** The name of tests that need it, with the reason where they are left out. */
export const named = (name: string): string => (missing === undefined ? name : `${name} (${missing})`)

/** Starts a server on a port, and answers once it takes connections; it keeps nothing. */
export const start = (port: number, login?: { readonly user: string; readonly password: string }) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await temporaryFolder()
      const options = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", folder.path]
      if (login !== undefined) options.push("--user", login.user, "on", `>${login.password}`, "~*", "+@all")
      const child = spawn("redis-server", options)
      const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
      await new Promise<void>((resolve, reject) => {
        let said = ""
        child.once("close", () => reject(new Error(`redis-server did not start:\n${said}`)))
        child.stdout.setEncoding("utf8").on("data", (text: string) => {
          said += text
          if (said.includes("Ready to accept connections")) resolve()
        })
      })
      return { child, ended, folder }
    }),
    ({ child, ended, folder }) =>
      Effect.promise(async () => {
        child.kill()
        await ended
        await folder.remove()
      })
  )

/** The address of a server for as long as the scope lives. */
export const server =
  given === undefined
    ? Effect.gen(function* () {
        const port = yield* Effect.promise(freePort)
        yield* start(port)
        return `redis://127.0.0.1:${port}`
      })
    : Effect.succeed(given)
