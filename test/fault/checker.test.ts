/** The checker with forged histories: it finds every broken promise and accepts everything that is allowed. */
import { describe, expect, it } from "vitest"
import { check, type Invariant, type Settings } from "./support/Checker.js"
import type { Actions, Entry, Kind, Outcome } from "./support/History.js"
import type { GrantRow, Snapshot } from "./support/Snapshot.js"

const settings: Settings = {
  retryWindow: 30_000,
  codeWindow: 2000,
  code: 60_000,
  accessToken: 600_000,
  refreshTokenIdle: 2_592_000_000
}

/** Writes a history: one operation after another, unless an operation is begun and ended separately. */
class Forged {
  readonly entries: Array<Entry> = []
  #time = 0
  #operations = 0

  #push(operation: number, what: Entry["what"]) {
    this.entries.push({ operation, moment: { order: this.entries.length, time: this.#time++ }, what } as Entry)
  }

  wait(millis: number): this {
    this.#time += millis
    return this
  }

  /** Begins an operation, and returns a function that ends it. */
  begin<K extends Kind>(kind: K, ask: Actions[K]["ask"]): (outcome: Outcome<K>) => void {
    const operation = this.#operations++
    this.#push(operation, { type: "invoke", client: "somebody", kind, ask } as Entry["what"])
    return (outcome) => this.#push(operation, outcome as Entry["what"])
  }

  ok<K extends Kind>(kind: K, ask: Actions[K]["ask"], answer: Actions[K]["answer"]): this {
    this.begin(kind, ask)({ type: "ok", answer })
    return this
  }

  fail<K extends Kind>(kind: K, ask: Actions[K]["ask"], error = "invalid_grant"): this {
    this.begin(kind, ask)({ type: "fail", error })
    return this
  }

  unknown<K extends Kind>(kind: K, ask: Actions[K]["ask"]): this {
    this.begin(kind, ask)({ type: "unknown" })
    return this
  }

  /** The server is killed. */
  settle(): this {
    this.entries.push({ moment: { order: this.entries.length, time: this.#time++ }, what: { type: "settled" } })
    return this
  }

  broken(snapshot?: Snapshot): ReadonlyArray<Invariant> {
    return check(this.entries, settings, snapshot).map(({ invariant }) => invariant)
  }
}

const id = "0".repeat(26)
const code = `lk_ac_${id}secret`
/** The refresh token of a place in the chain, or in another chain if it is named. */
const token = (generation: number, chain = "a", grant = id) => `lk_rt_${grant}.${generation}.${chain}`
/** The answer at a place. The access token is named after the place. */
const tokens = (generation: number, access = `access ${generation}`) => ({ refresh: token(generation), access })
const person = { page: "page", subject: "ada", client: "app" }

const approved = () => new Forged().ok("Register", { name: "App" }, { client: "app" }).ok("Approve", person, { code })
const redeemed = () => approved().ok("Redeem", { code }, tokens(1))
const rotated = () => redeemed().ok("Refresh", { token: token(1) }, tokens(2))

const row = (changes: Partial<GrantRow> = {}): Snapshot => ({
  grants: new Map([[id, { state: "Active", generation: 2, isLiving: true, isCovered: true, ...changes }]])
})

describe("the checker accepts a correct history", () => {
  it.each<[string, () => Forged]>([
    [
      "a life",
      () =>
        rotated()
          .ok("Use", { token: "access 1" }, {})
          .ok("Refresh", { token: token(2) }, tokens(3))
    ],
    ["one of many redemptions succeeds", () => approved().fail("Redeem", { code }).ok("Redeem", { code }, tokens(1))],
    [
      "a retry within the window gets the current token",
      () => rotated().ok("Refresh", { token: token(1) }, tokens(2, "access 2 again"))
    ],
    [
      "the last token but one, a window after the burst began",
      () =>
        rotated()
          .wait(20_000)
          .ok("Refresh", { token: token(2) }, tokens(3))
          .wait(15_000)
          .ok("Refresh", { token: token(2) }, tokens(3, "b"))
    ],
    [
      "a token presented after the window is a replay",
      () =>
        rotated()
          .wait(30_000)
          .fail("Refresh", { token: token(1) })
    ],
    [
      "a replay kills the current token, too",
      () =>
        rotated()
          .wait(30_000)
          .fail("Refresh", { token: token(1) })
          .fail("Refresh", { token: token(2) })
          .fail("Use", { token: "access 2" })
    ],
    [
      "a code that is used again after the window takes its tokens along",
      () =>
        redeemed()
          .wait(2000)
          .fail("Redeem", { code })
          .fail("Refresh", { token: token(1) })
    ],
    [
      "a redemption whose answer was lost was made, or was not",
      () => approved().unknown("Redeem", { code }).ok("Redeem", { code }, tokens(1))
    ],
    [
      "a redemption whose answer was lost spent the code",
      () => approved().unknown("Redeem", { code }).fail("Redeem", { code })
    ],
    [
      "a redemption that nobody answered may come late, and is a replay then",
      () =>
        approved()
          .unknown("Redeem", { code })
          .ok("Redeem", { code }, tokens(1))
          .fail("Refresh", { token: token(1) })
    ],
    [
      "a refresh whose answer was lost is retried",
      () =>
        redeemed()
          .unknown("Refresh", { token: token(1) })
          .ok("Refresh", { token: token(1) }, tokens(2))
    ],
    [
      "a refresh whose answer was lost, retried after the window",
      () =>
        redeemed()
          .unknown("Refresh", { token: token(1) })
          .wait(30_000)
          .fail("Refresh", { token: token(1) })
    ],
    [
      "what was revoked is refused",
      () =>
        redeemed()
          .ok("Revoke", { of: "Token", token: token(1) }, {})
          .fail("Refresh", { token: token(1) })
          .fail("Use", { token: "access 1" })
    ],
    [
      "a revocation whose answer was lost",
      () =>
        redeemed()
          .unknown("Revoke", { of: "Client", client: "app" })
          .ok("Use", { token: "access 1" }, {})
          .fail("Refresh", { token: token(1) })
    ],
    ["an expired code", () => approved().wait(60_000).fail("Redeem", { code })],
    ["an expired access token", () => redeemed().wait(600_000).fail("Use", { token: "access 1" })],
    ["a token that nobody was given", () => redeemed().fail("Refresh", { token: token(7) })],
    [
      "a consent that is given again while it is withdrawn",
      () => {
        const forged = new Forged()
        const end = forged.begin("Approve", person)
        forged.ok("Revoke", { of: "Consent", subject: "ada", client: "app" }, {})
        end({ type: "ok", answer: { code } })
        return forged.ok("Redeem", { code }, tokens(1))
      }
    ],
    [
      "a client that was removed",
      () =>
        approved()
          .ok("Revoke", { of: "Client", client: "app" }, {})
          .fail("Authenticate", { client: "app" }, "invalid_client")
    ]
  ])("%s", (_, forge) => {
    expect(forge().broken()).toEqual([])
  })

  it("the checker accepts a row that agrees with the clients", () => {
    expect(rotated().broken(row())).toEqual([])
    expect(rotated().broken(row({ generation: 3 }))).toEqual([])
    expect(
      rotated()
        .ok("Revoke", { of: "Subject", subject: "ada" }, {})
        .broken(row({ isLiving: false, isCovered: false }))
    ).toEqual([])
  })
})

describe("the checker finds a broken promise", () => {
  it.each<[Invariant, string, () => Forged]>([
    ["SpentTwice", "a code gives tokens twice", () => redeemed().ok("Redeem", { code }, tokens(1, "access 1 again"))],
    [
      "DecidedTwice",
      "a page gives two codes",
      () => approved().ok("Approve", person, { code: `lk_ac_${"1".repeat(26)}secret` })
    ],
    [
      "ForeignFamily",
      "a refresh answers with another grant's token",
      () => redeemed().ok("Refresh", { token: token(1) }, { refresh: token(2, "a", "1".repeat(26)), access: "another" })
    ],
    [
      "Forked",
      "two refreshes of one token go two ways",
      () => rotated().ok("Refresh", { token: token(1) }, { refresh: token(2, "b"), access: "another" })
    ],
    [
      "WentBack",
      "a refresh answers with what was presented",
      () => redeemed().ok("Refresh", { token: token(1) }, tokens(1, "b"))
    ],
    [
      "WentBack",
      "a retry gets less than was acknowledged",
      () =>
        rotated()
          .ok("Refresh", { token: token(2) }, tokens(3))
          .ok("Refresh", { token: token(1) }, tokens(2, "b"))
    ],
    ["CodeLost", "nobody gets anything for a code", () => approved().fail("Redeem", { code }).fail("Redeem", { code })],
    ["TokenLost", "a refresh token is refused", () => rotated().fail("Refresh", { token: token(2) })],
    [
      "TokenLost",
      "a retry within the window is refused",
      () =>
        rotated()
          .wait(29_000)
          .fail("Refresh", { token: token(1) })
    ],
    [
      "TokenLost",
      "the last token but one is refused within its window",
      () =>
        rotated()
          .wait(20_000)
          .ok("Refresh", { token: token(2) }, tokens(3))
          .wait(15_000)
          .fail("Refresh", { token: token(2) })
    ],
    [
      "TokenLost",
      "a refresh whose answer was lost cannot be retried",
      () =>
        redeemed()
          .unknown("Refresh", { token: token(1) })
          .fail("Refresh", { token: token(1) })
    ],
    [
      "TokenLost",
      "a duplicate of a code kills its tokens within the window",
      () =>
        redeemed()
          .fail("Redeem", { code })
          .fail("Refresh", { token: token(1) })
    ],
    [
      "TokenLost",
      "a redemption that nobody answered is over once the server is gone, and is no reason afterwards",
      () =>
        approved()
          .unknown("Redeem", { code })
          .settle()
          .ok("Redeem", { code }, tokens(1))
          .fail("Refresh", { token: token(1) })
    ],
    ["TokenLost", "an access token is refused", () => redeemed().fail("Use", { token: "access 1" })],
    [
      "TokenLost",
      "another person's revocation is no reason",
      () => redeemed().ok("Revoke", { of: "Subject", subject: "bob" }, {}).fail("Use", { token: "access 1" })
    ],
    [
      "TokenLost",
      "a revocation that comes later is no reason",
      () => redeemed().fail("Use", { token: "access 1" }).ok("Revoke", { of: "Client", client: "app" }, {})
    ],
    [
      "RevokedReturned",
      "a revoked grant is refreshed",
      () =>
        redeemed()
          .ok("Revoke", { of: "Token", token: token(1) }, {})
          .ok("Refresh", { token: token(1) }, tokens(2))
    ],
    [
      "RevokedReturned",
      "an access token outlives its grant",
      () =>
        redeemed()
          .ok("Revoke", { of: "Token", token: token(1) }, {})
          .ok("Use", { token: "access 1" }, {})
    ],
    [
      "RevokedReturned",
      "a code of somebody who went away while it was made is redeemed",
      () => {
        const forged = new Forged()
        const end = forged.begin("Approve", person)
        forged.ok("Revoke", { of: "Subject", subject: "ada" }, {})
        end({ type: "ok", answer: { code } })
        return forged.ok("Redeem", { code }, tokens(1))
      }
    ],
    [
      "RevokedReturned",
      "a code of a consent that was withdrawn is redeemed",
      () =>
        approved().ok("Revoke", { of: "Consent", subject: "ada", client: "app" }, {}).ok("Redeem", { code }, tokens(1))
    ],
    [
      "RevokedReturned",
      "a grant that was found dead is refreshed",
      () =>
        rotated()
          .wait(30_000)
          .fail("Refresh", { token: token(1) })
          .ok("Refresh", { token: token(2) }, tokens(3))
    ],
    [
      "RevokedReturned",
      "an access token that was found dead is good",
      () =>
        redeemed()
          .unknown("Revoke", { of: "Client", client: "app" })
          .fail("Use", { token: "access 1" })
          .ok("Use", { token: "access 1" }, {})
    ],
    [
      "RevokedReturned",
      "a client that was removed is known",
      () => approved().ok("Revoke", { of: "Client", client: "app" }, {}).ok("Authenticate", { client: "app" }, {})
    ],
    [
      "ClientLost",
      "a client that was registered is unknown",
      () => approved().fail("Authenticate", { client: "app" }, "invalid_client")
    ],
    [
      "ExpiredRevived",
      "a code is taken after its end",
      () => approved().wait(60_001).ok("Redeem", { code }, tokens(1))
    ],
    [
      "ExpiredRevived",
      "an access token is taken after its end",
      () => redeemed().wait(600_001).ok("Use", { token: "access 1" }, {})
    ],
    [
      "ExpiredRevived",
      "a refresh token is taken that nobody used for too long",
      () =>
        redeemed()
          .wait(settings.refreshTokenIdle + 1)
          .ok("Refresh", { token: token(1) }, tokens(2))
    ]
  ])("%s: %s", (invariant, _, forge) => {
    expect(forge().broken()).toEqual([invariant])
  })

  it.each<[Invariant, string, () => Forged, Snapshot]>([
    ["GrantLost", "what was given is not in the database", rotated, { grants: new Map() }],
    ["WentBack", "the row is behind what was acknowledged", rotated, row({ generation: 1 })],
    ["GrantWithoutConsent", "a living row has no consent", rotated, row({ isCovered: false })],
    [
      "RevokedReturned",
      "the row of a revoked grant lives",
      () => rotated().ok("Revoke", { of: "Client", client: "app" }, {}),
      row()
    ]
  ])("%s: %s", (invariant, _, forge, snapshot) => {
    expect(forge().broken(snapshot)).toEqual([invariant])
  })
})
