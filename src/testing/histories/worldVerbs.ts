/** The verbs of the histories. Each runs on the stores and on the model, and their answers must be equal. */
import { expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { TokenId } from "../../domain/AccessToken.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import {
  alice,
  app,
  at,
  bob,
  consent,
  grant,
  grantId,
  newHash,
  newSecret,
  notes,
  otherApp,
  redemption,
  rotation,
  second,
  session,
  token
} from "../contracts/fixtures.js"
import type { Stores } from "../contracts/Nodes.js"
import {
  areEpochsCurrent,
  type Choice,
  codeLives,
  endOf,
  grantLives,
  idles,
  isActive,
  isLoggedIn,
  must,
  raise,
  revokeThose,
  sessionLives,
  stateOf,
  sweep,
  tokenLives,
  type World
} from "./worldModel.js"

export const subjects = [alice, bob] as const
export const clientIds = [app, otherApp] as const
const scopes = ["notes:read", "notes:write"] as const
const places = [notes, notes, ResourceIndicator.make("https://files.example.com/")] as const

type Verb = (world: World, stores: Stores, choice: Choice) => Effect.Effect<unknown, TemporarilyUnavailable>

const tokenId = (g: number) => TokenId.make(`token-${g}`)
const sessionOf = (g: number, p: number, epoch: number, now: number) =>
  session(g + 1, { subject: must(subjects[p]), expiresAt: at(now + sessionLives), subjectEpoch: epoch })

/** Everything that the ports return is equal to the model. */
export const look: Verb = (world, stores) =>
  Effect.gen(function* () {
    for (const [p, subject] of subjects.entries()) {
      const person = must(world.people[p])
      expect(Option.getOrUndefined(yield* stores.accounts.find(subject))?.epoch).toBe(
        person.exists ? person.epoch : undefined
      )
      const ofPerson = world.grants.flatMap((granted) => (granted?.p === p ? [granted.approved.terms.id] : []))
      const listed = yield* stores.grants.list({ subject }, { limit: 10 })
      expect(listed.map(({ terms }) => terms.id)).toEqual(ofPerson.sort())
      for (const [a, clientId] of clientIds.entries()) {
        const expected = world.consents[p]?.[a]
        const found = Option.getOrUndefined(yield* stores.consents.find(subject, clientId))
        expect(found && { epoch: found.epoch, granted: found.granted }).toEqual(expected)
      }
    }
    for (const [g, granted] of world.grants.entries()) {
      const found = yield* stores.grants.find(grantId(g + 1))
      expect(Option.getOrUndefined(found)?._tag).toBe(granted && stateOf(granted))
      const active = isActive(world, granted)
      expect(Option.isSome(yield* stores.grants.findActive(grantId(g + 1), at(world.now), Option.none()))).toBe(active)
      const endsAt = world.tokens[g]
      // Whether an expired token is still stored is undefined.
      if (endsAt === undefined || world.now < endsAt) {
        const isRevoked = endsAt !== undefined
        expect(yield* stores.revokedTokens.has(tokenId(g))).toBe(isRevoked)
        const byToken = yield* stores.grants.findActive(grantId(g + 1), at(world.now), Option.some(tokenId(g)))
        expect(Option.isSome(byToken)).toBe(active && !isRevoked)
      }
      const { digest } = sessionOf(g, 0, 1, 0)
      expect(Option.isSome(yield* stores.sessions.find(digest, at(world.now)))).toBe(isLoggedIn(world, g))
    }
  })

export const verbs: Readonly<Record<string, Verb>> = {
  look,
  approve: (world, { grants }, { a, g, p }) => {
    const [person, one] = [must(world.people[p]), must(world.clients[a])]
    const before = world.grants[g]
    const approved = grant({
      id: grantId(g + 1),
      subject: must(subjects[p]),
      clientId: must(clientIds[a]),
      approvedAt: at(world.now),
      expiresAt: at(world.now + grantLives),
      epochs: { subject: person.epoch, client: one.epoch, consent: world.consents[p]?.[a]?.epoch ?? 1 }
    })
    const waiting = { ...approved, code: { ...approved.code, expiresAt: at(world.now + codeLives) } }
    world.grants[g] ??= { approved: waiting, p, a, approvedAt: world.now, generation: 1, idleAt: 0 }
    return Effect.map(grants.approve(waiting), (answer) =>
      expect(answer).toEqual(before === undefined ? "Approved" : { alreadyDecided: stateOf(before) })
    )
  },
  redeem: (world, { grants }, { g }) => {
    const granted = world.grants[g]
    const { now } = world
    const chain = Option.some({ digest: token(1), key: "lk_ck_sealed", idleExpiresAt: at(now + idles) })
    const presented = granted?.approved ?? grant({ id: grantId(g + 1) })
    const answer = () => {
      if (granted === undefined) return "Unknown"
      if (granted.redeemedAt !== undefined) return now < granted.redeemedAt + 2 * second ? "Duplicate" : "Replayed"
      if (granted.revokedAt !== undefined) return "Unknown"
      if (now >= granted.approvedAt + codeLives) return "Expired"
      if (!areEpochsCurrent(world, granted)) return "Unknown"
      granted.redeemedAt = now
      granted.idleAt = now + idles
      return "Redeemed"
    }
    const expected = answer()
    return Effect.map(
      grants.redeem(redemption(presented, { clientId: presented.terms.clientId, now: at(now), chain })),
      ({ _tag }) => expect(_tag).toBe(expected)
    )
  },
  rotate: (world, { grants }, { g }) => {
    const granted = world.grants[g]
    const { now } = world
    const presented = granted?.approved ?? grant({ id: grantId(g + 1) })
    const generation = granted?.generation ?? 1
    const answer = () => {
      if (granted === undefined) return "Unknown"
      if (granted.revokedAt !== undefined || !areEpochsCurrent(world, granted)) return "Revoked"
      if (granted.redeemedAt === undefined) return "Unknown"
      if (now >= Math.min(granted.approvedAt + grantLives, granted.idleAt)) return "Expired"
      granted.generation++
      granted.idleAt = now + idles
      return "Rotated"
    }
    const expected = answer()
    const changes = { idleExpiresAt: at(now + idles), retryWindow: Duration.zero }
    return Effect.map(grants.rotate(rotation(presented, generation, now, changes)), ({ _tag }) =>
      expect(_tag).toBe(expected)
    )
  },
  revoke: (world, { grants }, { g }) => {
    const id = grantId(g + 1)
    const isNew = revokeThose(world, ({ approved }) => approved.terms.id === id).length > 0
    return Effect.map(grants.revoke(id, "Denied", at(world.now)), (answer) => expect(answer).toBe(isNew))
  },
  revokeAll: (world, { grants }, { a, g, p }) => {
    const [subject, clientId] = [must(subjects[p]), must(clientIds[a])]
    const whose = [{ subject }, { clientId }, { subject, clientId }][g] ?? { subject }
    const expected = revokeThose(
      world,
      (granted) =>
        (!("subject" in whose) || granted.p === p) &&
        (!("clientId" in whose) || granted.a === a) &&
        (granted.approvedAt <= world.now || !areEpochsCurrent(world, granted))
    )
    return Effect.map(grants.revokeAll(whose, "OperatorRevoked", at(world.now), { limit: 100 }), ({ revoked }) =>
      expect([...revoked].sort()).toEqual(expected.sort())
    )
  },
  pruneGrants: (world, { grants }) => {
    const count = sweep(world.grants, (granted) => endOf(granted) < world.now)
    return Effect.map(grants.prune(at(world.now), 10), (pruned) => expect(pruned).toBe(count))
  },

  advancePerson: (world, { accounts }, { p }) => {
    raise(must(world.people[p]))
    return accounts.advanceEpoch(must(subjects[p]))
  },
  switchPerson: (world, { accounts }, { g, p }) => {
    const person = must(world.people[p])
    if (g === 0) raise(person)
    person.enabled = g !== 0
    return Effect.map(accounts.setState(must(subjects[p]), g === 0 ? "Disabled" : "Enabled"), (found) =>
      expect(found).toBe(person.exists)
    )
  },
  setPassword: (world, { accounts }, { p }) => {
    const person = must(world.people[p])
    raise(person)
    return Effect.map(accounts.setPassword(must(subjects[p]), newHash), (found) => expect(found).toBe(person.exists))
  },
  removePerson: (world, { accounts }, { p }) => {
    const person = must(world.people[p])
    const existed = person.exists
    person.exists = false
    world.consents[p] = []
    sweep(world.sessions, (one) => one.p === p)
    return Effect.map(accounts.remove(must(subjects[p])), (found) => expect(found).toBe(existed))
  },
  advanceClient: (world, { clients }, { a }) => {
    raise(must(world.clients[a]))
    return clients.advanceEpoch(must(clientIds[a]))
  },
  switchClient: (world, { clients }, { a, g }) => {
    const one = must(world.clients[a])
    if (g === 0) raise(one)
    one.enabled = g !== 0
    return Effect.map(clients.setState(must(clientIds[a]), g === 0 ? "Disabled" : "Enabled"), (found) =>
      expect(found).toBe(one.exists)
    )
  },
  setSecret: (world, { clients }, { a }) => {
    const one = must(world.clients[a])
    raise(one)
    return Effect.map(clients.setSecret(must(clientIds[a]), newSecret), (found) => expect(found).toBe(one.exists))
  },
  removeClient: (world, { clients }, { a }) => {
    const one = must(world.clients[a])
    const existed = one.exists
    one.exists = false
    return Effect.map(clients.remove(must(clientIds[a])), (found) => expect(found).toBe(existed))
  },

  record: (world, { consents }, { a, g, p }) => {
    if (!must(world.people[p]).exists || !must(world.clients[a]).exists) return Effect.void
    const before = world.consents[p]?.[a]
    const granted = ResourceScopes.make([must(places[g]), Scope.make(must(scopes[g % 2]))])
    const expected = {
      epoch: before?.epoch ?? 1,
      granted: ResourceScopes.union(before?.granted ?? ResourceScopes.empty, granted)
    }
    must(world.consents[p])[a] = expected
    const pair = { subject: must(subjects[p]), clientId: must(clientIds[a]) }
    return Effect.map(consents.record(consent({ ...pair, granted, updatedAt: at(world.now) })), ({ epoch, granted }) =>
      expect({ epoch, granted }).toEqual(expected)
    )
  },
  withdraw: (world, { consents }, { a, p }) => {
    const before = world.consents[p]?.[a]
    if (before !== undefined) must(world.consents[p])[a] = { epoch: before.epoch + 1, granted: ResourceScopes.empty }
    return Effect.map(consents.withdraw(must(subjects[p]), must(clientIds[a])), (allowed) => {
      if (before === undefined) expect(allowed).toBe(false)
    })
  },
  withdrawAll: (world, { consents }, { a, g, p }) => {
    const whose = g === 0 ? { subject: must(subjects[p]) } : { clientId: must(clientIds[a]) }
    for (const [i, ofPerson] of world.consents.entries()) {
      for (const [j, before] of ofPerson.entries()) {
        const isMeant = g === 0 ? i === p : j === a
        if (isMeant && before !== undefined) ofPerson[j] = { epoch: before.epoch + 1, granted: ResourceScopes.empty }
      }
    }
    return Effect.asVoid(consents.withdrawAll(whose, 100))
  },
  pruneConsents: (world, { consents }) => {
    let count = 0
    for (const [a, one] of world.clients.entries()) {
      if (one.exists) continue
      for (const ofPerson of world.consents) {
        if (ofPerson[a] === undefined) continue
        ofPerson[a] = undefined
        count++
      }
    }
    return Effect.map(consents.prune(10), (pruned) => expect(pruned).toEqual({ count, next: Option.none() }))
  },

  logIn: (world, { sessions }, { g, p }) => {
    const person = must(world.people[p])
    if (world.sessions[g] !== undefined || !person.exists) return Effect.void
    world.sessions[g] = { p, epoch: person.epoch, endsAt: world.now + sessionLives }
    return sessions.insert(sessionOf(g, p, person.epoch, world.now))
  },
  logOut: (world, { sessions }, { g }) => {
    const isThere = world.sessions[g] !== undefined
    world.sessions[g] = undefined
    return Effect.map(sessions.end(sessionOf(g, 0, 1, 0).id), (ended) => expect(ended).toBe(isThere))
  },
  pruneSessions: (world, { sessions }) => {
    const count = sweep(world.sessions, ({ endsAt }) => endsAt < world.now)
    return Effect.map(sessions.prune(at(world.now), 10), (pruned) => expect(pruned).toBe(count))
  },

  revokeToken: (world, { revokedTokens }, { g }) => {
    const isThere = world.tokens[g] !== undefined
    const endsAt = Math.max(world.tokens[g] ?? 0, world.now + tokenLives)
    world.tokens[g] = endsAt
    return Effect.map(revokedTokens.insert(tokenId(g), at(world.now + tokenLives)), (isNew) =>
      expect(isNew).toBe(!isThere)
    )
  },
  pruneTokens: (world, { revokedTokens }) => {
    const count = sweep(world.tokens, (endsAt) => endsAt < world.now)
    return Effect.map(revokedTokens.prune(at(world.now), 10), (pruned) => expect(pruned).toBe(count))
  }
}
