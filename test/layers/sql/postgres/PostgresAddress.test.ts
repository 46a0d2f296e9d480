import { describe, expect, it } from "vitest"
import * as PostgresAddress from "../../../../src/layers/sql/postgres/PostgresAddress.js"

describe("hasPassword", () => {
  it.each([
    ["postgres://ada:secret@db.example/latchkey", true],
    ["postgresql://ada@db.example/latchkey?password=secret", true],
    ["postgres://ada@db.example/latchkey?sslmode=require&sslpassword=secret", true],
    ["postgres://ada@db.example/latchkey", false],
    ["postgres://ada:@db.example/latchkey", false],
    ["postgres://db.example/a database", false],
    ["postgres://db.example/latchkey?options=-c%20statement_timeout%3D0", false],
    ["sqlite:data/latchkey.db", false],
    ["postgres", false]
  ])("of %s is %s", (text, expected) => {
    expect(PostgresAddress.hasPassword(text)).toBe(expected)
    if (expected) expect(PostgresAddress.withoutPassword(text)).not.toContain("secret")
  })
})
