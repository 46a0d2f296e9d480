/** The users, clients and grants of the contract. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Account, Subject, Username } from "../../domain/Account.js"
import { type Client, ClientId, type StoredSecret } from "../../domain/Client.js"
import { CodeChallenge } from "../../domain/CodeChallenge.js"
import type { Consent } from "../../domain/Consent.js"
import { Digest } from "../../domain/Digest.js"
import * as Grant from "../../domain/Grant.js"
import * as Identifier from "../../domain/Identifier.js"
import { NetworkTag } from "../../domain/NetworkTag.js"
import { RedirectUri } from "../../domain/RedirectUri.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import { type Session, SessionId } from "../../domain/Session.js"
import { KeyId, KeyState, type StoredKey } from "../../services/stores/KeyStore.js"
import { fresh, type Stores } from "./Nodes.js"

/** The instant that is this many milliseconds after the begin of a test. */
export const at = (millis: number): DateTime.Utc => DateTime.unsafeMake(1_767_225_600_000 + millis)

export const second = 1000
export const day = 86_400_000

export const digest = (what: string): Digest => Digest.make(what.padEnd(43, "-"))

const identifier = (n: number): string => Identifier.format(1_767_225_600_000 + n, new Uint8Array(10))

export const grantId = (n: number): Grant.GrantId => Grant.GrantId.make(identifier(n))

export const alice = Subject.make("alice")
export const bob = Subject.make("bob")
export const app = ClientId.make("app")
export const otherApp = ClientId.make("other-app")
export const callback = RedirectUri.make("https://app.example.com/callback")
export const otherCallback = RedirectUri.make("https://app.example.com/other")
export const notes = ResourceIndicator.make("https://notes.example.com/mcp")

/** Empty filters, which the compiler refuses and JavaScript allows. */
export const emptyFilters = [
  {},
  { subject: undefined },
  { clientId: undefined },
  { everybody: false }
] as ReadonlyArray<object> as ReadonlyArray<never>

/** These scope tokens at the resource `notes`. */
export const ofNotes = (...scopes: ReadonlyArray<string>): ResourceScopes.ResourceScopes =>
  ResourceScopes.make([notes, Scope.make(...scopes)])

export const username = Schema.decodeSync(Username)

export const client = (id: ClientId, changes: Partial<Client> = {}): Client => ({
  id,
  issuedAt: at(0),
  approval: Option.none(),
  origin: "Dynamic",
  metadata: {
    redirect_uris: [callback],
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"]
  },
  secret: Option.none(),
  state: "Enabled",
  usedAt: Option.none(),
  epoch: 1,
  registrationDigest: Option.none(),
  ...changes
})

export const account = (id: Subject, changes: Partial<Account> = {}): Account => ({
  id,
  username: username(id),
  passwordHash: Redacted.make(`$argon2id$v=19$m=19456,t=2,p=1$${id}`),
  createdAt: at(0),
  state: "Enabled",
  epoch: 1,
  ...changes
})

export const session = (n: number, changes: Partial<Session> = {}): Session => ({
  id: SessionId.make(identifier(n)),
  digest: digest(`session-${n}`),
  subject: alice,
  authenticatedAt: at(0),
  expiresAt: at(day),
  subjectEpoch: 1,
  browser: Option.some(`Firefox ${n} on Windows`),
  sealedNetwork: Option.some(`sealed-network-${n}`),
  ...changes
})

export const key = (n: number, state: KeyState = KeyState.Current()): StoredKey => ({
  id: KeyId.make(`key-${n}`.padEnd(8, "-")),
  sealed: `sealed-${n}`,
  createdAt: at(n),
  state
})

export const consent = (changes: Partial<Consent> = {}): Omit<Consent, "epoch"> => ({
  subject: alice,
  clientId: app,
  granted: ofNotes("notes:read"),
  redirectUris: new Set([callback]),
  updatedAt: at(0),
  ...changes
})

export const challenge = CodeChallenge.make("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
export const wrongChallenge = CodeChallenge.make("K9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")

/** Lifetimes, in milliseconds, of a code, of a grant, and of an unused refresh token. */
export const codeEnds = 60 * second
export const grantEnds = 180 * day
export const idle = 30 * day

export const grant = (changes: Partial<Grant.Terms> = {}): Grant.Approved => {
  const id = changes.id ?? grantId(1)
  return Grant.Grant.Approved({
    terms: {
      id,
      subject: alice,
      clientId: app,
      redirectUri: callback,
      granted: ofNotes("notes:read", "notes:write"),
      sessionId: SessionId.make(identifier(0)),
      authenticatedAt: at(-second),
      approvedAt: at(0),
      expiresAt: at(grantEnds),
      epochs: { subject: 1, client: 1, consent: 1 },
      installation: Option.none(),
      ...changes
    },
    code: { digest: digest(`code-${id}`), challenge, expiresAt: at(codeEnds) }
  })
}

/** The digest of a refresh token by its number. */
export const token = (generation: number, by = ""): Digest => digest(`token-${generation}-${by}`)

/** Networks of requests: of the honest client, and of two others. */
export const home = Option.some(NetworkTag.make("network-of-the-client-"))
export const abroad = Option.some(NetworkTag.make("network-of-the-thief--"))
export const thirdNetwork = Option.some(NetworkTag.make("network-of-a-stranger-"))

/** A correct redemption of the code of a grant, with changes. */
export const redemption = (grant: Grant.Grant, changes: Partial<Grant.Redemption> = {}): Grant.Redemption => ({
  grantId: grant.terms.id,
  digest: grant.code.digest,
  clientId: app,
  redirectUri: Option.some(callback),
  challenge,
  now: at(second),
  duplicateWindow: Duration.seconds(2),
  network: home,
  fromElsewhere: "Allow",
  chain: Option.some({ digest: token(1), key: "lk_ck_sealed", idleExpiresAt: at(idle) }),
  ...changes
})

/** The tag of an answer, and whether the request came from another network. */
export const inShort = (answer: Grant.RedemptionAnswer | Grant.RotationAnswer): string =>
  "elsewhere" in answer && answer.elsewhere ? `${answer._tag} elsewhere` : answer._tag

/** Time, in milliseconds, in which a superseded refresh token may be retried. */
export const window = 30 * second

/** A correct rotation of the refresh token with this number, with changes. */
export const rotation = (
  { terms }: Grant.Grant,
  generation: number,
  millis: number,
  changes: Partial<Grant.Rotation> = {}
): Grant.Rotation => ({
  grantId: terms.id,
  generation,
  digest: token(generation),
  successor: token(generation + 1),
  now: at(millis),
  retryWindow: Duration.millis(window),
  network: home,
  fromElsewhere: "Allow",
  idleExpiresAt: at(millis + idle),
  ...changes
})

/** Inserts a user, a client and a consent, all with epoch 1. */
export const introduce = ({ accounts, clients, consents }: Stores) =>
  Effect.all([accounts.insert(account(alice)), clients.insert(client(app)), consents.record(consent())])

/** An issuer with a grant whose code is not redeemed. */
export const approved = Effect.gen(function* () {
  const stores = yield* fresh
  yield* introduce(stores)
  yield* stores.grants.approve(grant())
  return { ...stores, grant: grant() }
})

/** An issuer with a grant whose code was redeemed after one second. */
export const active = Effect.gen(function* () {
  const given = yield* approved
  yield* given.grants.redeem(redemption(given.grant))
  return given
})

/** An issuer with a grant that was refreshed once at each of these times. */
export const refreshed = (...moments: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const given = yield* active
    for (const [i, millis] of moments.entries()) yield* given.grants.rotate(rotation(given.grant, i + 1, millis))
    return given
  })

/** Operations that raise or remove one of the epochs of a grant. */
export const epochRaisers = [
  ["user", ({ accounts }: Stores) => accounts.advanceEpoch(alice)],
  ["client", ({ clients }: Stores) => clients.advanceEpoch(app)],
  ["consent", ({ consents }: Stores) => consents.withdraw(alice, app)],
  ["disabled user", ({ accounts }: Stores) => Effect.asVoid(accounts.setState(alice, "Disabled"))],
  ["disabled client", ({ clients }: Stores) => Effect.asVoid(clients.setState(app, "Disabled"))],
  ["user with a new password", ({ accounts }: Stores) => Effect.asVoid(accounts.setPassword(alice, newHash))],
  ["client with a new secret", ({ clients }: Stores) => Effect.asVoid(clients.setSecret(app, newSecret))],
  [
    "client that loses its secret",
    ({ clients }: Stores) => {
      const { metadata } = client(app)
      return Effect.asVoid(clients.setMetadata(app, { from: metadata, to: metadata, secret: Option.none() }))
    }
  ],
  ["deleted user", ({ accounts }: Stores) => Effect.asVoid(accounts.remove(alice))],
  ["deleted client", ({ clients }: Stores) => Effect.asVoid(clients.remove(app))]
] as const

export const newHash = Redacted.make("$argon2id$v=19$m=19456,t=2,p=1$new")
export const newSecret: StoredSecret = { digest: digest("new"), expiresAt: Option.some(at(day)) }
