/**
 * Random histories of all verbs together, with two users, two clients, three grants, three sessions and three access tokens,
 * compared with a model (`worldModel.ts`). The histories of one grant are deeper (`grantHistories.ts`); these are wider.
 */
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { describe } from "vitest"
import { account, client, second } from "../contracts/fixtures.js"
import { fresh, type StoreTest } from "../contracts/Nodes.js"
import { codeLives, idles, must, party, tokenLives, type World } from "./worldModel.js"
import { clientIds, look, subjects, verbs } from "./worldVerbs.js"

const around = (millis: number) => [millis - 1, millis, millis + 1]
const waits = [0, 0, 0, 0, second, -1, ...around(codeLives), ...around(tokenLives), ...around(idles)]

/** Verbs that continue a history are more frequent than verbs that end it. */
const often = ["approve", "redeem", "rotate", "record", "logIn", "look"]

const step = FastCheck.record({
  verb: FastCheck.oneof(
    { weight: 3, arbitrary: FastCheck.constantFrom(...often) },
    { weight: 2, arbitrary: FastCheck.constantFrom(...Object.keys(verbs)) }
  ),
  wait: FastCheck.constantFrom(...waits),
  p: FastCheck.constantFrom(0, 0, 1),
  a: FastCheck.constantFrom(0, 0, 1),
  g: FastCheck.constantFrom(0, 0, 1, 2)
})

export const worldContract = (it: StoreTest, histories: number) =>
  describe("in a small world", () => {
    it.effect.prop(
      "any history of all verbs ends as the model says",
      { steps: FastCheck.array(step, { maxLength: 60, size: "max" }) },
      ({ steps }) =>
        Effect.gen(function* () {
          const stores = yield* fresh
          yield* Effect.forEach(subjects, (subject) => stores.accounts.insert(account(subject)))
          yield* Effect.forEach(clientIds, (id) => stores.clients.insert(client(id)))
          const world: World = {
            now: 0,
            people: subjects.map(party),
            clients: clientIds.map(party),
            consents: subjects.map(() => []),
            grants: [undefined, undefined, undefined],
            sessions: [undefined, undefined, undefined],
            tokens: [undefined, undefined, undefined]
          }
          for (const [i, { verb, wait, ...choice }] of steps.entries()) {
            world.now += wait
            yield* must(verbs[verb])(world, stores.nodes[i % stores.nodes.length] ?? stores, choice)
          }
          yield* look(world, stores, { p: 0, a: 0, g: 0 })
        }),
      { fastCheck: { numRuns: histories } }
    )
  })
