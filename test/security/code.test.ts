/** CODE: the redemption of an authorization code. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect } from "vitest"
import { ClientId } from "../../src/domain/Client.js"
import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import { Accounts } from "../../src/services/accounts/Accounts.js"
import { Clients } from "../../src/services/clients/Clients.js"
import { GrantRevocation } from "../../src/services/grants/GrantRevocation.js"
import { outcome, type Parameters, redirectUri, tokensOf } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { filesOf, twoResources } from "./support/Resources.js"
import type { Target } from "./support/Target.js"

const { check, control } = family({
  isStopped: true,
  resources: twoResources
})

const invalidGrant = "400 invalid_grant"

/** A new client for each check, and its code. */
const ready = async (target: Target, metadata = {}) => {
  const client = await target.register(metadata)
  return { client, held: await target.code(client) }
}

/** Tries changed redemptions in turn. None of them spends the code, so the correct one succeeds afterwards. */
const spendNothing = async (target: Target, attempts: ReadonlyArray<readonly [Parameters, expected: string]>) => {
  const { client, held } = await ready(target)
  for (const [parameters, expected] of attempts) {
    expect(await outcome(target.redeem(client, held, parameters)), JSON.stringify(parameters)).toBe(expected)
  }
  expect(await outcome(target.redeem(client, held))).toBe("200")
}

check("CODE-01", "a code is not redeemed without its code_verifier", (target) =>
  spendNothing(target, [
    [{ code_verifier: undefined }, "400 invalid_request"],
    [{ code_verifier: "" }, "400 invalid_request"]
  ])
)

check("CODE-02", "a wrong code_verifier gets no token, and revokes no existing token", async (target) => {
  const { client, held } = await ready(target)
  const before = await target.tokens(client)
  const malformed = ["x".repeat(42), "x".repeat(129), `${held.verifier}\0`, `${held.verifier} `, "ä".repeat(43)]
  for (const code_verifier of malformed) {
    expect(await outcome(target.redeem(client, held, { code_verifier })), code_verifier).toBe("400 invalid_request")
  }
  expect(await outcome(target.redeem(client, held))).toBe("200")

  // One attempt spends the code, so there is no second one.
  const { browser, page, url, verifier } = await target.toConsent(client)
  const { sentTo } = await browser.submit(page, { button: "allow" })
  const code = sentTo?.searchParams.get("code") ?? ""
  const challenge = url.searchParams.get("code_challenge") ?? ""
  expect(await outcome(target.redeem(client, { code, verifier: challenge }))).toBe(invalidGrant)
  expect(await outcome(target.redeem(client, { code, verifier }))).toBe(invalidGrant)
  for (const wrong of [
    (right: string) => `${right}x`,
    (right: string) => right.replace(/[a-z]/, (letter) => letter.toUpperCase()),
    () => "x".repeat(43)
  ]) {
    const next = await target.code(client)
    expect(await outcome(target.redeem(client, { ...next, verifier: wrong(next.verifier) }))).toBe(invalidGrant)
    expect(await outcome(target.redeem(client, next))).toBe(invalidGrant)
  }
  expect(await outcome(target.call(before.access_token))).toBe("200")
})

check("CODE-03", "no code is issued without a challenge", async (target) => {
  const client = await target.register()
  for (const parameters of [
    { code_challenge: undefined, code_challenge_method: undefined },
    { code_challenge_method: "plain" },
    { code_challenge: "" }
  ]) {
    const browser = await target.person()
    const page = await browser.open((await target.request(client, parameters)).url)
    expect(page.sentTo?.searchParams.get("code") ?? null).toBeNull()
    expect(page.html).not.toContain('value="allow"')
  }
  expect(await outcome(target.redeem(client, { code: "lk_ac_x", verifier: "x".repeat(43) }))).toBe(invalidGrant)
})

check(
  "CODE-04",
  "a code is redeemed only by its client, and another client's attempt does not spend it",
  async (target) => {
    const { client, held } = await ready(target)
    const other = await target.register()
    const secretive = await target.register({ token_endpoint_auth_method: "client_secret_basic" })
    const theirs = await target.code(other)
    expect(await outcome(target.redeem(other, held))).toBe(invalidGrant)
    expect(await outcome(target.redeem(secretive, held))).toBe(invalidGrant)
    const mixed = target.redeem(secretive, held, { client_id: client.client_id })
    expect(await outcome(mixed)).toBe("400 invalid_request")
    // The grant of one code with the secret of the other.
    const spliced = held.code.slice(0, 32) + theirs.code.slice(32)
    expect(await outcome(target.redeem(client, { ...held, code: spliced }))).toBe(invalidGrant)
    expect(await outcome(target.redeem(client, held))).toBe("200")
    expect(await outcome(target.redeem(other, theirs))).toBe("200")
  }
)

check("CODE-05", "a public client must name itself when it redeems a code", (target) =>
  spendNothing(target, [
    [{ client_id: undefined }, "401 invalid_client"],
    [{ client_id: "" }, "401 invalid_client"],
    [{ client_id: "nobody" }, "401 invalid_client"]
  ])
)

check("CODE-06", "a redirect_uri in the token request must equal that of the authorization request", async (target) => {
  await spendNothing(target, [
    [{ redirect_uri: `${redirectUri}/` }, invalidGrant],
    [{ redirect_uri: "https://other.example/callback" }, invalidGrant],
    [{ redirect_uri: redirectUri.toUpperCase() }, invalidGrant]
  ])
  const { client, held } = await ready(target)
  expect(await outcome(target.redeem(client, held, { redirect_uri: undefined }))).toBe("200")
  const native = await target.register({ redirect_uris: ["http://127.0.0.1:3000/cb"] })
  const used = "http://127.0.0.1:49152/cb"
  const code = await target.code(native, { redirect_uri: used })
  const registered = target.redeem(native, code, { redirect_uri: "http://127.0.0.1:3000/cb" })
  expect(await outcome(registered)).toBe(invalidGrant)
  expect(await outcome(target.redeem(native, code, { redirect_uri: used }))).toBe("200")
})

check("CODE-07", "a resource in the token request narrows the access token, and never the grant", async (target) => {
  const files = filesOf(target.origin).uri
  const notes = target.resource
  const { client, held } = await ready(target)
  for (const resource of [files, [notes, files], "https://other.example/"]) {
    expect(await outcome(target.redeem(client, held, { resource }))).toBe("400 invalid_target")
  }
  expect(await outcome(target.redeem(client, held, { resource: notes }))).toBe("200")

  const both = await target.code(client, { scope: "notes:read files:read", resource: [notes, files] })
  const narrow = await tokensOf(target.redeem(client, both, { resource: files }))
  expect(narrow.scope).toBe("files:read")
  expect(await outcome(target.call(narrow.access_token))).toBe("401 invalid_token")
  const whole = await tokensOf(target.refresh(client, narrow.refresh_token))
  for (const uri of [notes, files]) expect(await outcome(target.call(whole.access_token, uri))).toBe("200")
})

check("CODE-08", "a scope in the token request does not widen the grant", async (target) => {
  const client = await target.register()
  for (const scope of ["notes:read notes:write admin", "notes:write"]) {
    const held = await target.code(client, { scope: "notes:read" })
    expect((await tokensOf(target.redeem(client, held, { scope }))).scope).toBe("notes:read")
  }
})

check("CODE-12", "a code is valid until its expiry, and not at it", async (target) => {
  const client = await target.register()
  const [first, second] = [await target.code(client), await target.code(client)]
  await target.advance(59_999)
  expect(await outcome(target.redeem(client, first))).toBe("200")
  await target.advance(1)
  expect(await outcome(target.redeem(client, second))).toBe(invalidGrant)
})

check("CODE-13", "a malformed code and a token of another kind get the same refusal", async (target) => {
  const { client, held } = await ready(target)
  const tokens = await target.tokens(client)
  const codes = [
    "x",
    "lk_ac_",
    held.code.slice(6),
    held.code.toUpperCase(),
    `${held.code}=`,
    ` ${held.code}`,
    `${held.code}\n`,
    `${held.code}' OR '1'='1`,
    "ｌｋ_ac_",
    "🔑".repeat(16),
    "__proto__",
    "../../etc/passwd",
    "A".repeat(60_000),
    Buffer.from(held.code).toString("base64"),
    tokens.access_token,
    tokens.refresh_token
  ]
  for (const code of codes) expect(await outcome(target.redeem(client, { ...held, code })), code).toBe(invalidGrant)
  for (const code of ["", "\0"]) {
    expect(await outcome(target.redeem(client, { ...held, code }))).toBe("400 invalid_request")
  }
  expect(await outcome(target.redeem(client, { ...held, code: "A".repeat(2 ** 20) }))).toBe("413 invalid_request")
  expect(await outcome(target.redeem(client, held))).toBe("200")
})

check("CODE-15", "a code ends with its consent, its account and its client", async (shared) => {
  // Another server, because its user is logged out for good.
  const target = await shared.another({})
  const { client, held } = await ready(target)
  const { subject } = (await target.grant(held.code)).terms
  const clientId = ClientId.make(client.client_id)
  await target.run(Effect.flatMap(GrantRevocation, ({ withdraw }) => withdraw(subject, clientId)))
  expect(await outcome(target.redeem(client, held))).toBe(invalidGrant)

  const next = await target.code(client)
  await target.run(Effect.flatMap(Accounts, ({ disable }) => disable(subject)))
  expect(await outcome(target.redeem(client, next))).toBe(invalidGrant)
  await target.run(Effect.flatMap(Accounts, ({ enable }) => enable(subject)))
  expect(await outcome(target.redeem(client, next))).toBe(invalidGrant)
  await target.run(Effect.flatMap(Clients, ({ remove }) => remove(clientId)))
  expect(await outcome(target.redeem(client, next))).toBe("401 invalid_client")
})

check("CODE-16", "a code of one issuer is unknown to another in the same process and storage", async (target) => {
  const shared = Layer.succeedContext(await target.run(Effect.scoped(Layer.build(MemoryStorage.layer))))
  const ours = await target.another({ storage: shared })
  const theirs = await target.another({ storage: shared, path: "/t2" })
  const { client, held } = await ready(ours)
  const stranger = await theirs.register()
  expect(await outcome(theirs.redeem(stranger, held))).toBe(invalidGrant)
  expect(await outcome(theirs.redeem(client, held))).toBe("401 invalid_client")
  expect(await outcome(ours.redeem(client, held))).toBe("200")
})

control("CODE-12", "where codes live for ten minutes", { settings: { lifetimes: { authorizationCode: "10 minutes" } } })
