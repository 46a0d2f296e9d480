import { execFileSync } from "node:child_process"
import { describe, expect, it } from "vitest"
import * as ShellWord from "../../../src/layers/files/ShellWord.js"

describe("a quoted word", () => {
  it.each(["data/latchkey.db", "", "my data/it's.db", "$HOME", "a`id`", "a;b", "~", "*", 'a"b', "a\\b", "a\nb", "ä"])(
    "a shell reads the quoted text %j as the same text",
    (text) => {
      const command = `printf '[%s]' ${ShellWord.quote(text)}`
      expect(execFileSync("/bin/sh", ["-c", command], { encoding: "utf8" })).toBe(`[${text}]`)
    }
  )

  it.each(["/var/lib/latchkey.db", "sqlite:data/a_b-c.db", "https://auth.example.com", "a@b,c+d=e%20f"])(
    "the quoted text %j needs no quotes",
    (text) => expect(ShellWord.quote(text)).toBe(text)
  )
})
