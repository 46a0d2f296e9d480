/** Rows whose decoded form is remembered. */
import * as Either from "effect/Either"
import { expect, it } from "vitest"
import * as SqlRow from "../../../src/layers/sql/SqlRow.js"

interface Row {
  readonly id: string
  readonly value: number | null
}

const counting = (capacity: number) => {
  let count = 0
  const decode = SqlRow.remembering((row) => Either.right({ ...(row as Row), count: ++count }), "id", capacity)
  return (row: Row) => Either.getOrThrow(decode(row)).count
}

it("a row is decoded again if one of its values differs, and not otherwise", () => {
  const decode = counting(10)
  expect([decode({ id: "a", value: 1 }), decode({ id: "a", value: 1 })]).toEqual([1, 1])
  expect([decode({ id: "a", value: null }), decode({ id: "a", value: null })]).toEqual([2, 2])
  expect([decode({ id: "a", value: 1 }), decode({ id: "b", value: 1 }), decode({ id: "a", value: 1 })]).toEqual([
    3, 4, 3
  ])
})

it("a row is decoded again after as many others as are remembered", () => {
  const decode = counting(1)
  expect([decode({ id: "a", value: 1 }), decode({ id: "b", value: 1 }), decode({ id: "a", value: 1 })]).toEqual([
    1, 2, 3
  ])
})
