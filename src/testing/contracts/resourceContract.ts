/** What every `ResourceStore` promises. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import { ResourceIndicator, ResourceServerId } from "../../domain/Resource.js"
import type { StoredResource } from "../../services/stores/ResourceStore.js"
import { crowds, fresh, race, type StoreTest } from "../Nodes.js"
import { digest, notes } from "./fixtures.js"

const files = ResourceIndicator.make("https://files.example.com/with%20spaces?and=query")
const server = (n: number) => ({ id: ResourceServerId.make(`server-${n}`), digest: digest(`server-${n}`) })

const resource = (changes: Partial<StoredResource> = {}): StoredResource => ({
  uri: notes,
  scopes: { "notes:read": "Read your notes" },
  credentials: Option.some(server(1)),
  ...changes
})

export const resourceContract = (it: StoreTest) => {
  describe("resources", () => {
    it.effect.each([
      ["of which little is known", resource({ scopes: {}, credentials: Option.none() })],
      [
        "of which everything is known",
        resource({ uri: files, name: "Fïles ✓ \"quoted\" 'n' \\", scopes: { "z:1": "Ünïcode", "a:2": "" } })
      ]
    ] as const)("give a resource %s as it was inserted, on every node", ([, given]) =>
      Effect.gen(function* () {
        const { nodes, resources } = yield* fresh
        expect(yield* resources.insert(given)).toBe("Created")
        for (const node of nodes) {
          const [found] = yield* node.resources.list
          expect(found).toEqual(given)
          // In this order they stand on the page.
          expect(Object.keys(found?.scopes ?? {})).toEqual(Object.keys(given.scopes))
        }
      })
    )

    it.effect("take no URI twice, and leave the first resource as it is", () =>
      Effect.gen(function* () {
        const { resources } = yield* fresh
        yield* resources.insert(resource())
        expect(yield* resources.insert(resource({ scopes: {}, credentials: Option.some(server(2)) }))).toBe("UriTaken")
        expect(yield* resources.list).toEqual([resource()])
        expect(yield* resources.findByServer(server(2).id)).toEqual(Option.none())
      })
    )

    it.effect("never give one server two resources", () =>
      Effect.gen(function* () {
        const { resources } = yield* fresh
        yield* resources.insert(resource())
        const error = yield* Effect.flip(resources.insert(resource({ uri: files })))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
        expect(yield* resources.list).toEqual([resource()])
      })
    )

    it.effect("find the resource of a server, on every node, and mind the case of its id", () =>
      Effect.gen(function* () {
        const { nodes, resources } = yield* fresh
        yield* resources.insert(resource())
        yield* resources.insert(resource({ uri: files, credentials: Option.none() }))
        for (const node of nodes) {
          expect(yield* node.resources.findByServer(server(1).id)).toEqual(Option.some(resource()))
          expect(yield* node.resources.findByServer(ResourceServerId.make("SERVER-1"))).toEqual(Option.none())
          expect(yield* node.resources.findByServer(server(2).id)).toEqual(Option.none())
        }
      })
    )

    it.effect("list them by their URIs, and remove one for good", () =>
      Effect.gen(function* () {
        const { resources } = yield* fresh
        const others = [resource({ uri: notes }), resource({ uri: files, credentials: Option.none() })]
        yield* Effect.forEach(others, resources.insert)
        expect((yield* resources.list).map(({ uri }) => uri)).toEqual([files, notes])
        expect(yield* resources.remove(notes)).toBe(true)
        expect(yield* resources.remove(notes)).toBe(false)
        expect(yield* resources.findByServer(server(1).id)).toEqual(Option.none())
        expect((yield* resources.list).map(({ uri }) => uri)).toEqual([files])
        expect(yield* resources.insert(resource())).toBe("Created")
      })
    )

    it.effect("see nothing of another issuer", () =>
      Effect.gen(function* () {
        const { resources } = yield* fresh
        yield* resources.insert(resource())
        const elsewhere = yield* fresh
        expect(yield* elsewhere.resources.list).toEqual([])
        expect(yield* elsewhere.resources.findByServer(server(1).id)).toEqual(Option.none())
        expect(yield* elsewhere.resources.remove(notes)).toBe(false)
        expect(yield* elsewhere.resources.insert(resource())).toBe("Created")
        expect(yield* resources.list).toEqual([resource()])
      })
    )
  })

  it.effect.each(crowds)("of %i callers one gets the URI, and of as many one removes the resource", (count) =>
    Effect.gen(function* () {
      const { nodes, resources } = yield* fresh
      const answers = yield* race(nodes, count, ({ resources }, i) =>
        resources.insert(resource({ credentials: Option.some(server(i)) }))
      )
      expect(answers.filter((answer) => answer === "Created")).toHaveLength(1)
      const winner = server(answers.indexOf("Created"))
      expect(yield* resources.list).toEqual([resource({ credentials: Option.some(winner) })])
      const removed = yield* race(nodes, count, ({ resources }) => resources.remove(notes))
      expect(removed.filter((answer) => answer)).toHaveLength(1)
    })
  )
}
