/** The journal keeps every promise of a storage: on two nodes, across restarts, and when its objects fail. */
import { Effect, Layer, Redacted } from "effect"
import { type IsToFail, storageContract } from "latchkey/testing/StorageContract"
import * as JournalStore from "./JournalStore.js"
import { makeMemory, Objects, Unreachable } from "./Objects.js"

const store = JournalStore.layer({ masterKey: Redacted.make(new Uint8Array(32)) })

/** The same objects, which fail on request. */
const failing = (objects: Objects["Type"], isToFail: IsToFail) => {
  const around = <A>(operation: Effect.Effect<A, Unreachable>) => {
    const ask = (when: "Before" | "After") =>
      Effect.suspend(() => (isToFail(when) ? new Unreachable({ cause: "a failure of the test" }) : Effect.void))
    return ask("Before").pipe(Effect.zipRight(operation), Effect.zipLeft(ask("After")))
  }
  return Objects.of({
    putIfAbsent: (name, text) => around(objects.putIfAbsent(name, text)),
    get: (name) => around(objects.get(name))
  })
}

const over = (objects: Objects["Type"]) => Layer.provide(store, Layer.succeed(Objects, objects))

storageContract("two journals over the same objects", Effect.map(makeMemory, over), {
  nodes: 2,
  isDurable: true,
  lacks: ["leases", "highWaterMark"],
  failing: (isToFail) => Effect.map(makeMemory, (objects) => over(failing(objects, isToFail)))
})
