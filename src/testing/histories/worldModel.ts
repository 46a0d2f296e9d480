/** The model of the histories of all verbs (`worldHistories.ts`), as plain values. */
import type { Grant } from "../../domain/Grant.js"
import type { ResourceScopes } from "../../domain/ResourceScopes.js"
import { second } from "../contracts/fixtures.js"

export const codeLives = 10 * second
export const grantLives = 100 * second
export const idles = 40 * second
export const sessionLives = 30 * second
export const tokenLives = 20 * second

/** The state and the epoch of a user or a client. */
interface Party {
  exists: boolean
  enabled: boolean
  epoch: number
}

interface Consented {
  epoch: number
  granted: ResourceScopes
}

interface Granted {
  readonly approved: Grant & { readonly _tag: "Approved" }
  readonly p: number
  readonly a: number
  readonly approvedAt: number
  redeemedAt?: number
  revokedAt?: number
  generation: number
  idleAt: number
}

export interface World {
  now: number
  readonly people: ReadonlyArray<Party>
  readonly clients: ReadonlyArray<Party>
  /** By user, then by client. */
  readonly consents: Array<Array<Consented | undefined>>
  readonly grants: Array<Granted | undefined>
  readonly sessions: Array<{ readonly p: number; readonly epoch: number; readonly endsAt: number } | undefined>
  readonly tokens: Array<number | undefined>
}

/** The objects of a step. */
export interface Choice {
  readonly p: number
  readonly a: number
  readonly g: number
}

export const must = <A>(value: A | undefined): A => {
  if (value === undefined) throw new Error("there is none")
  return value
}

export const party = (): Party => ({ exists: true, enabled: true, epoch: 1 })
const isGood = ({ enabled, exists }: Party): boolean => exists && enabled
export const raise = (self: Party): void => {
  if (self.exists) self.epoch++
}

export const areEpochsCurrent = ({ clients, consents, people }: World, { a, approved, p }: Granted): boolean => {
  const [person, one] = [must(people[p]), must(clients[a])]
  const { epochs } = approved.terms
  return (
    isGood(person) &&
    isGood(one) &&
    person.epoch === epochs.subject &&
    one.epoch === epochs.client &&
    consents[p]?.[a]?.epoch === epochs.consent
  )
}

export const stateOf = (granted: Granted): Grant["_tag"] =>
  granted.revokedAt !== undefined ? "Revoked" : granted.redeemedAt === undefined ? "Approved" : "Active"

/** The time when a row ends. */
export const endOf = (granted: Granted): number => {
  const end = granted.approvedAt + grantLives
  if (granted.revokedAt !== undefined) return Math.min(granted.revokedAt, end)
  return granted.redeemedAt === undefined ? granted.approvedAt + codeLives : end
}

export const isActive = (world: World, granted: Granted | undefined): boolean =>
  granted !== undefined &&
  stateOf(granted) === "Active" &&
  world.now < granted.approvedAt + grantLives &&
  areEpochsCurrent(world, granted)

export const isLoggedIn = (world: World, g: number): boolean => {
  const found = world.sessions[g]
  if (found === undefined) return false
  const person = must(world.people[found.p])
  return world.now < found.endsAt && isGood(person) && person.epoch === found.epoch
}

/** Deletes the values that satisfy a condition. Returns their number. */
export const sweep = <A>(all: Array<A | undefined>, isPast: (one: A) => boolean): number => {
  let count = 0
  for (const [i, one] of all.entries()) {
    if (one === undefined || !isPast(one)) continue
    all[i] = undefined
    count++
  }
  return count
}

export const revokeThose = (world: World, isMeant: (granted: Granted) => boolean) => {
  const revoked = world.grants.flatMap((granted) =>
    granted !== undefined && granted.revokedAt === undefined && isMeant(granted) ? [granted] : []
  )
  for (const granted of revoked) granted.revokedAt = world.now
  return revoked.map(({ approved }) => approved.terms.id)
}
