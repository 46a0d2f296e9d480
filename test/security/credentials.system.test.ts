/** Codes, tokens and secrets in the files of a launched server, and after it was killed. */
import { expect } from "vitest"
import { outcome, tokensOf } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { launched } from "./support/Launched.js"

const { check } = family()

const invalidGrant = "400 invalid_grant"

check("CODE-14", "codes and tokens are stored only as digests", () =>
  launched(async ({ files, flows, secrets }) => {
    const client = await flows.register({ token_endpoint_auth_method: "client_secret_basic" })
    await flows.code(client)
    await flows.tokens(client)
    for (const kind of ["lk_ac_", "lk_rt_", "lk_at_", "lk_cs_"]) expect(Object.keys(secrets.counts())).toContain(kind)
    expect(Object.keys(files())).toContain("latchkey.db-wal")
    expect(secrets.search(files())).toEqual([])
  })
)

check("CODE-17", "tokens that a client has received are valid after the server was killed", () =>
  launched(async ({ flows, killAndRestart }) => {
    const client = await flows.register()
    const tokens = await flows.tokens(client)
    await killAndRestart()
    expect((await flows.call(tokens.access_token)).status).not.toBe(401)
    expect(await outcome(flows.refresh(client, tokens.refresh_token))).toBe("200")
  })
)

check("REFRESH-04", "a replay is detected after the server was killed and started again", () =>
  launched(
    async ({ flows, killAndRestart }) => {
      const client = await flows.register()
      const tokens = await flows.tokens(client)
      const successor = await tokensOf(flows.refresh(client, tokens.refresh_token))
      await killAndRestart()
      expect(await outcome(flows.refresh(client, tokens.refresh_token))).toBe(invalidGrant)
      expect(await outcome(flows.refresh(client, successor.refresh_token))).toBe(invalidGrant)
      expect((await flows.call(successor.access_token)).status).toBe(401)
    },
    { env: { LATCHKEY_REFRESH_WINDOW: "0 seconds" } }
  )
)

check("CAUTH-11", "a client secret is stored only as a digest", () =>
  launched(async ({ files, flows, secrets }) => {
    const client = await flows.register({ token_endpoint_auth_method: "client_secret_basic" })
    await flows.tokens(client)
    expect(Object.keys(secrets.counts())).toContain("lk_cs_")
    expect(secrets.search(files())).toEqual([])
  })
)
