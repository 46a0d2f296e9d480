/**
 * A real PostgreSQL: the server that `LATCHKEY_TEST_POSTGRES` names (`postgres://…`, whose user may make databases), or one
 * of our own for as long as the tests run (`postgresSetup.ts`).
 */
import { randomBytes } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import Pg from "pg"
import { inject } from "vitest"

declare module "vitest" {
  interface ProvidedContext {
    /** The server of the run, or why there is none. */
    readonly postgres: { readonly url: string } | { readonly missing: string }
  }
}

const provided = inject("postgres")

/** Why there is no server; `undefined` when there is. */
export const missing = provided !== undefined && "missing" in provided ? provided.missing : undefined

/** The name of tests that need it, with the reason where they are left out. */
export const named = (name: string): string => (missing === undefined ? name : `${name} (left out: ${missing})`)

/** Asks the server of the run something, in one of its databases. */
export const query = async (url: string, text: string): Promise<ReadonlyArray<Record<string, unknown>>> => {
  const client = new Pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** The address of a new database on the server of the run, dropped with the scope. */
export const database = Effect.acquireRelease(
  Effect.promise(async () => {
    if (provided === undefined || "missing" in provided) throw new Error(missing)
    const name = `latchkey_${randomBytes(6).toString("hex")}`
    await query(provided.url, `create database ${name}`)
    const url = new URL(provided.url)
    url.pathname = name
    return { name, server: provided.url, url: url.href }
  }),
  ({ name, server }) => Effect.promise(() => query(server, `drop database ${name} with (force)`))
).pipe(Effect.map(({ url }) => Redacted.make(url)))
