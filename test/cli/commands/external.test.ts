/** Commands on accounts for users of an app: their names are `external:` and the app's name for the user. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, beforeAll, expect, it } from "vitest"
import * as SqliteStorage from "../../../src/layers/SqliteStorage.js"
import * as AuthServer from "../../../src/layers/wiring/AuthServer.js"
import { Accounts } from "../../../src/services/accounts/Accounts.js"
import * as Cli from "../../support/Cli.js"
import { done, refused } from "../support/Refused.js"

const issuer = "https://app.example"
let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>

beforeAll(async () => {
  folder = await Cli.temporaryFolder()
  const store = SqliteStorage.layer({ filename: join(folder.path, "app.db") })
  await Effect.flatMap(Accounts, (accounts) => accounts.admit("Ada L.")).pipe(
    Effect.provide(Layer.provide(AuthServer.layerServices({ issuer, resources: [] }), store)),
    Effect.runPromise
  )
})
afterAll(() => folder.remove())

const run = (args: ReadonlyArray<string>) =>
  Cli.run([...args, "--database", `sqlite:${join(folder.path, "app.db")}`, "--issuer", issuer])

it("user commands list, disable, enable and delete an external account by its name, and events find it after that", async () => {
  const name = "external:Ada L."
  expect((await run(["user", "list"])).stdout).toMatch(/^\S+Z {2}external:Ada L\.\n$/)
  expect(await run(["user", "disable", name])).toEqual(done(/^The account external:Ada L\. is disabled/))
  expect((await run(["user", "list"])).stdout).toContain("disabled")
  expect(await run(["user", "disable", "external:ada l."])).toEqual(refused(1, /no account external:ada l\./))
  expect(await run(["user", "enable", name])).toEqual(done(/is enabled/))
  expect(await run(["user", "delete", name])).toEqual(done(/is deleted/))
  expect((await run(["events", "--user", name])).stdout).toMatch(
    /account created[\s\S]*account disabled[\s\S]*account deleted/
  )
})

it("user commands refuse to create an external account or to set its password", async () => {
  for (const verb of ["create", "set-password"]) {
    expect(await run(["user", verb, "external:ada"])).toEqual(refused(2, /NAME: .*external:/))
  }
})
