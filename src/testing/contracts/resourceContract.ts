/** The promises of every `ResourceStore`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import { ResourceIndicator, ResourceServerId } from "../../domain/Resource.js"
import type { StoredResource } from "../../services/stores/ResourceStore.js"
import { digest, notes } from "./fixtures.js"
import { crowds, fresh, race, type StoreTest } from "./Nodes.js"

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
        "with all members",
        resource({
          uri: files,
          name: "Fïles ✓ \"quoted\" 'n' \\",
          scopes: { "z:1": "Ünïcode", "a:2": "" },
          implies: { "z:1": ["a:2"] }
        })
      ]
    ] as const)("list returns a resource %s as it was inserted, on every node", ([, given]) =>
      Effect.gen(function* () {
        const { nodes, resources } = yield* fresh
        expect(yield* resources.insert(given)).toBe("Created")
        for (const node of nodes) {
          const [found] = yield* node.resources.list
          expect(found).toEqual(given)
          // The consent page shows them in this order.
          expect(Object.keys(found?.scopes ?? {})).toEqual(Object.keys(given.scopes))
        }
      })
    )

    it.effect("a second resource with the same URI is refused and does not change the first", () =>
      Effect.gen(function* () {
        const { resources } = yield* fresh
        yield* resources.insert(resource())
        expect(yield* resources.insert(resource({ scopes: {}, credentials: Option.some(server(2)) }))).toBe("UriTaken")
        expect(yield* resources.list).toEqual([resource()])
        expect(yield* resources.findByServer(server(2).id)).toEqual(Option.none())
      })
    )

    it.effect("two resources never have the same server id", () =>
      Effect.gen(function* () {
        const { resources } = yield* fresh
        yield* resources.insert(resource())
        const error = yield* Effect.flip(resources.insert(resource({ uri: files })))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
        expect(yield* resources.list).toEqual([resource()])
      })
    )

    it.effect("findByServer returns the resource of a server on every node, and ids are case-sensitive", () =>
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

    it.effect("list returns resources in the order of their URIs, and remove deletes one for ever", () =>
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

    it.effect("a resource store sees nothing of another issuer", () =>
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

  it.effect.each(crowds)("one of %i callers gets a URI, and one deletes the resource", (count) =>
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
