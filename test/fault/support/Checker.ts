/**
 * Checks whether a history keeps the promises of the server. A pure function of the responses to clients and, optionally, of the
 * final database. It assumes nothing about unknown facts: if an operation may have happened or not, or may have been too late for
 * a window, it accepts both answers (ADR 22).
 */
import type { Entry, Kind, Moment, Operation, Tokens, Whose } from "./History.js"
import { operations } from "./History.js"
import type { Snapshot } from "./Snapshot.js"

/** The violations of the promises. */
export type Invariant =
  /** A code was redeemed more than once. */
  | "SpentTwice"
  /** A page that was answered twice gave two codes. */
  | "DecidedTwice"
  /** A token of one grant returned tokens of another grant. */
  | "ForeignFamily"
  /** A chain has two refresh tokens at one place. */
  | "Forked"
  /** A chain is behind an acknowledged rotation. */
  | "WentBack"
  /** An issued code was refused to every client without a reason. */
  | "CodeLost"
  /** An issued refresh or access token was refused without a reason. */
  | "TokenLost"
  /** An issued grant is missing in the database. */
  | "GrantLost"
  /** A registered client is unknown without a reason. */
  | "ClientLost"
  /** A revoked grant or token was accepted. */
  | "RevokedReturned"
  /** An expired code or token was accepted. */
  | "ExpiredRevived"
  /** A valid grant has a scope that no consent of its epoch covers. */
  | "GrantWithoutConsent"

export interface Violation {
  readonly invariant: Invariant
  /** The grant, code or client, and the time. */
  readonly where: string
}

/** The server's settings, in milliseconds. */
export interface Settings {
  readonly retryWindow: number
  readonly codeWindow: number
  readonly code: number
  readonly accessToken: number
  readonly refreshTokenIdle: number
}

/** The place of a refresh token in its chain, which its text contains (ADR 6). */
export const placeOf = (token: string): { readonly grant: string; readonly generation: number } => {
  const [grant = "", generation = ""] = token.slice("lk_rt_".length).split(".")
  return { grant, generation: Number(generation) }
}

/** The grant of a code, which its text contains. */
export const grantOf = (code: string): string => code.slice("lk_ac_".length, "lk_ac_".length + 26)

/** The operations of one grant. */
interface Story {
  readonly grant: string
  readonly approvals: Array<Operation<"Approve">>
  readonly redemptions: Array<Operation<"Redeem">>
  readonly refreshes: Array<Operation<"Refresh">>
  readonly uses: Array<Operation<"Use">>
}

const isOf =
  <K extends Kind>(kind: K) =>
  (operation: Operation): operation is Operation<K> =>
    operation.kind === kind

const isOk = <K extends Kind>(operation: Operation<K>) => operation.outcome.type === "ok"
const isFail = <K extends Kind>(operation: Operation<K>) => operation.outcome.type === "fail"
const answerOf = <K extends Kind>({ outcome }: Operation<K>) => (outcome.type === "ok" ? outcome.answer : undefined)

const before = (a: Moment, b: Moment) => a.order < b.order

/** The grant of an access token: the grant of the refresh token in the same response. */
const accessGrants = (all: ReadonlyArray<Operation>): ReadonlyMap<string, string> => {
  const grants = new Map<string, string>()
  for (const operation of all) {
    if (!isOf("Redeem")(operation) && !isOf("Refresh")(operation)) continue
    const tokens = answerOf(operation) as Tokens | undefined
    if (tokens !== undefined) grants.set(tokens.access, placeOf(tokens.refresh).grant)
  }
  return grants
}

const storiesOf = (all: ReadonlyArray<Operation>): ReadonlyArray<Story> => {
  const access = accessGrants(all)
  const stories = new Map<string, Story>()
  const story = (grant: string): Story => {
    const known = stories.get(grant)
    if (known !== undefined) return known
    const made: Story = { grant, approvals: [], redemptions: [], refreshes: [], uses: [] }
    stories.set(grant, made)
    return made
  }
  for (const operation of all) {
    if (isOf("Approve")(operation)) {
      const code = answerOf(operation)?.code
      if (code !== undefined) story(grantOf(code)).approvals.push(operation)
    }
    if (isOf("Redeem")(operation)) story(grantOf(operation.ask.code)).redemptions.push(operation)
    if (isOf("Refresh")(operation)) story(placeOf(operation.ask.token).grant).refreshes.push(operation)
    if (isOf("Use")(operation)) {
      const grant = access.get(operation.ask.token)
      if (grant !== undefined) story(grant).uses.push(operation)
    }
  }
  return [...stories.values()]
}

/** Whether a revocation takes a grant, and when the grant was made is no matter but for consents, which can be renewed. */
const covers = (revocation: Operation<"Revoke">, { approvals, grant }: Story, access: ReadonlyMap<string, string>) => {
  const whose: Whose = revocation.ask
  switch (whose.of) {
    case "Token":
      return (access.get(whose.token) ?? placeOf(whose.token).grant) === grant
    case "Client":
      return approvals.some(({ ask }) => ask.client === whose.client)
    case "Subject":
      return approvals.some(({ ask }) => ask.subject === whose.subject)
    case "Consent":
      return approvals.some(({ ask }) => ask.client === whose.client && ask.subject === whose.subject)
  }
}

/** A consent may have been given anew while it was withdrawn: only what was allowed before is dead for certain. */
const surely = ({ ask, invoked }: Operation<"Revoke">, { approvals }: Story) =>
  ask.of !== "Consent" || approvals.every(({ ended }) => before(ended, invoked))

/** Which of a story's operations may have been taken for a replay, which revokes the grant. */
const replays = (
  { redemptions, refreshes }: Story,
  { codeWindow, retryWindow }: Settings
): ReadonlyArray<Operation<"Redeem" | "Refresh">> => {
  const late = (earlier: Operation, later: Operation, window: number) =>
    earlier !== later && before(earlier.invoked, later.ended) && later.ended.time >= earlier.invoked.time + window
  const spent = redemptions.filter((operation) => !isFail(operation))
  const rotated = refreshes.filter((operation) => !isFail(operation))
  return [
    ...redemptions.filter((later) => !isOk(later) && spent.some((earlier) => late(earlier, later, codeWindow))),
    ...refreshes.filter((later) => {
      const { generation } = placeOf(later.ask.token)
      const others = rotated.filter((other) => other !== later && before(other.invoked, later.ended))
      const superseding = others.filter(({ ask }) => placeOf(ask.token).generation >= generation)
      if (superseding.length === 0) return false
      // Two promises (ADR 7): the token before the current one, and all of a burst, are good for a window.
      const isPredecessor = superseding.every(({ ask }) => placeOf(ask.token).generation === generation)
      return (isPredecessor ? superseding : others).some((earlier) => late(earlier, later, retryWindow))
    })
  ]
}

/** The moment at which a grant was surely dead, and how it is known. */
const deaths = (story: Story, revocations: ReadonlyArray<Operation<"Revoke">>): ReadonlyArray<Moment> => [
  ...revocations.filter((revocation) => isOk(revocation) && surely(revocation, story)).map(({ ended }) => ended),
  // A client that presents a token it was given, and is refused, has been told that the grant is dead.
  ...story.refreshes
    .filter(({ ask, outcome }) => {
      const given = [...story.redemptions, ...story.refreshes].some((o) => answerOf(o)?.refresh === ask.token)
      return given && outcome.type === "fail" && outcome.error === "invalid_grant"
    })
    .map(({ ended }) => ended)
]

const checkStory = (
  story: Story,
  revocations: ReadonlyArray<Operation<"Revoke">>,
  settings: Settings,
  snapshot: Snapshot | undefined
): ReadonlyArray<Invariant> => {
  const broken: Array<Invariant> = []
  const { approvals, grant, redemptions, refreshes, uses } = story
  const redeemed = redemptions.filter(isOk)
  if (redeemed.length > 1) broken.push("SpentTwice")

  const answers = [...redemptions, ...refreshes].flatMap((operation) => {
    const tokens = answerOf<"Redeem" | "Refresh">(operation)
    return tokens === undefined ? [] : [{ operation, tokens, place: placeOf(tokens.refresh) }]
  })
  if (answers.some(({ place }) => place.grant !== grant)) broken.push("ForeignFamily")

  const chain = new Map<number, string>()
  for (const { place, tokens } of answers) {
    const known = chain.get(place.generation)
    if (known !== undefined && known !== tokens.refresh) broken.push("Forked")
    chain.set(place.generation, tokens.refresh)
  }

  for (const { operation, place } of answers) {
    if (operation.kind === "Refresh") {
      const presented = placeOf((operation as Operation<"Refresh">).ask.token).generation
      const acknowledged = answers
        .filter((other) => before(other.operation.ended, operation.invoked))
        .map((other) => other.place.generation)
      if (place.generation <= presented || acknowledged.some((generation) => generation > place.generation)) {
        broken.push("WentBack")
      }
    }
  }

  const dangerous = [...revocations.filter((revocation) => !isFail(revocation)), ...replays(story, settings)]
  const excused = ({ ended }: Operation) => dangerous.some(({ invoked }) => before(invoked, ended))

  const expired = (issued: Operation | undefined, operation: Operation, life: number) =>
    issued !== undefined && operation.ended.time >= issued.invoked.time + life
  const revived = (issued: Operation | undefined, operation: Operation, life: number) =>
    issued !== undefined && isOk(operation) && operation.invoked.time >= issued.ended.time + life

  const [approval] = approvals
  if (approval !== undefined && redemptions.length > 0 && redemptions.every(isFail)) {
    if (redemptions.every((operation) => !excused(operation) && !expired(approval, operation, settings.code))) {
      broken.push("CodeLost")
    }
  }
  for (const operation of redemptions) {
    if (revived(approvals.at(-1), operation, settings.code)) broken.push("ExpiredRevived")
  }

  const check = (operation: Operation<"Refresh"> | Operation<"Use">, token: keyof Tokens, life: number) => {
    const given = answers
      .filter(({ tokens }) => tokens[token] === operation.ask.token)
      .map(({ operation }) => operation)
    // Given more than once, by retries, it lives from the first time, as far as is known.
    if (isFail(operation) && given.some(({ ended }) => before(ended, operation.invoked))) {
      if (!excused(operation) && !given.some((issued) => expired(issued, operation, life))) broken.push("TokenLost")
    }
    if (given.length > 0 && given.every((issued) => revived(issued, operation, life))) broken.push("ExpiredRevived")
  }
  for (const operation of refreshes) check(operation, "refresh", settings.refreshTokenIdle)
  for (const operation of uses) check(operation, "access", settings.accessToken)

  const dead = deaths(story, revocations)
  const alive = [...redemptions, ...refreshes, ...uses].filter(isOk as (operation: Operation) => boolean)
  const isAfterDeath = ({ invoked }: Operation) => dead.some((moment) => before(moment, invoked))
  if (alive.some(isAfterDeath)) broken.push("RevokedReturned")
  for (const { ask, ended } of uses.filter(isFail)) {
    if (uses.some((use) => isOk(use) && use.ask.token === ask.token && before(ended, use.invoked))) {
      broken.push("RevokedReturned")
    }
  }

  const row = snapshot?.grants.get(grant)
  if (snapshot !== undefined && approvals.length > 0 && row === undefined && dangerous.length === 0) {
    broken.push("GrantLost")
  }
  if (row !== undefined && row.state !== "Revoked") {
    if (row.isLiving && dead.length > 0) broken.push("RevokedReturned")
    const acknowledged = Math.max(0, ...answers.map(({ place }) => place.generation))
    if ((row.generation ?? 0) < acknowledged) broken.push("WentBack")
  }
  return broken
}

const checkClients = (all: ReadonlyArray<Operation>): ReadonlyArray<Violation> => {
  const removals = all.filter(isOf("Revoke")).filter(({ ask }) => ask.of === "Client")
  return all.filter(isOf("Authenticate")).flatMap((operation): ReadonlyArray<Violation> => {
    const where = operation.ask.client
    const registered = all
      .filter(isOf("Register"))
      .some((other) => answerOf(other)?.client === where && before(other.ended, operation.invoked))
    const removed = removals.filter(({ ask }) => ask.of === "Client" && ask.client === where)
    if (isFail(operation) && registered && !removed.some(({ invoked }) => before(invoked, operation.ended))) {
      return [{ invariant: "ClientLost", where }]
    }
    return isOk(operation) && removed.some((removal) => isOk(removal) && before(removal.ended, operation.invoked))
      ? [{ invariant: "RevokedReturned", where }]
      : []
  })
}

const checkPages = (all: ReadonlyArray<Operation>): ReadonlyArray<Violation> => {
  const codes = new Map<string, Set<string>>()
  for (const operation of all.filter(isOf("Approve"))) {
    const code = answerOf(operation)?.code
    if (code !== undefined) codes.set(operation.ask.page, (codes.get(operation.ask.page) ?? new Set()).add(code))
  }
  return [...codes].flatMap(([where, { size }]) => (size > 1 ? [{ invariant: "DecidedTwice", where }] : []))
}

/** Returns every violation in a history. Empty if there is none. */
export const check = (
  entries: ReadonlyArray<Entry>,
  settings: Settings,
  snapshot?: Snapshot
): ReadonlyArray<Violation> => {
  const all = operations(entries)
  const access = accessGrants(all)
  const revocations = all.filter(isOf("Revoke"))
  const ofGrants = storiesOf(all).flatMap((story) => {
    const own = revocations.filter((revocation) => covers(revocation, story, access))
    const broken = new Set(checkStory(story, own, settings, snapshot))
    return [...broken].map((invariant) => ({ invariant, where: story.grant }))
  })
  const uncovered = [...(snapshot?.grants ?? [])].flatMap(([where, { isCovered, isLiving }]) =>
    isLiving && !isCovered ? [{ invariant: "GrantWithoutConsent" as const, where }] : []
  )
  return [...checkPages(all), ...checkClients(all), ...ofGrants, ...uncovered]
}
