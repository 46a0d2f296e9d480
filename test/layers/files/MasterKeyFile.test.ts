import * as Fs from "node:fs"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { describe } from "vitest"
import * as PrivateFile from "../../../src/layers/files/PrivateFile.js"
import { KeyId, KeyState } from "../../../src/services/stores/KeyStore.js"
import { at } from "../../../src/testing/contracts/fixtures.js"
import { modeOf, ours, refusal, using } from "../sqliteFiles.js"
import { temporaryFile } from "../temporaryFile.js"

const rootKey = { id: KeyId.make("AAAAAAAA"), sealed: "sealed", state: KeyState.Current(), createdAt: at(0) }

describe("the master key", () => {
  it.scopedLive("a new master key is 32 random bytes in base64url in its own file", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const key = yield* using({ filename }, ({ key }) => Effect.succeed(key))
      const text = Fs.readFileSync(`${filename}.key`, "utf8")
      expect(text).toMatch(/^[A-Za-z0-9_-]{43}\n$/)
      expect(Buffer.from(text, "base64url").toString("hex")).toBe(key)
      const other = yield* using({ filename: `${filename}.other` }, ({ key }) => Effect.succeed(key))
      expect(other).not.toBe(key)
    })
  )

  it.scopedLive("a given master key is used, and no file is created", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const masterKey = Redacted.make(new Uint8Array(32).fill(7))
      const key = yield* using({ filename, masterKey }, ({ key }) => Effect.succeed(key))
      expect(key).toBe("07".repeat(32))
      expect(Fs.existsSync(`${filename}.key`)).toBe(false)
    })
  )

  it.scopedLive("a master key of another length is refused, and no file is created", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const masterKey = Redacted.make(new Uint8Array(31))
      expect(yield* refusal({ filename, masterKey })).toMatchObject({ reason: "MasterKeyMalformed" })
      expect(Fs.existsSync(filename)).toBe(false)
    })
  )

  it.scopedLive.each([0o640, 0o604, 0o620, 0o777, 0o444, 0o460, 0o450])(
    "a master key file that others can use is refused (mode %i)",
    (mode) =>
      Effect.gen(function* () {
        const filename = yield* temporaryFile
        yield* ours(filename)
        Fs.chmodSync(`${filename}.key`, mode)
        expect(yield* refusal({ filename })).toMatchObject({ reason: "MasterKeyExposed" })
      })
  )

  it.scopedLive("a master key is read from a file of mode 0440 whose group is the group of the process", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* ours(filename)
      Fs.chmodSync(`${filename}.key`, 0o440)
      yield* using({ filename }, () => Effect.void)
    })
  )

  it("a master key file that another group can read is refused", () => {
    const isOwn = (gid: number) => gid === process.getegid?.() || process.getgroups?.().includes(gid)
    const gid = [60_001, 60_002, 60_003].find((gid) => !isOwn(gid)) ?? 60_004
    expect(PrivateFile.accessOf({ gid, mode: 0o100440, uid: 0 })).toBe("Others")
  })

  it.scopedLive.each(["", "short", `${"A".repeat(43)}=`, "A".repeat(42), "A".repeat(44), `${"A".repeat(42)}B`])(
    "a master key file with %j is refused",
    (text) =>
      Effect.gen(function* () {
        const filename = yield* temporaryFile
        yield* ours(filename)
        Fs.writeFileSync(`${filename}.key`, text)
        const error = yield* refusal({ filename })
        expect(error).toMatchObject({ reason: "MasterKeyMalformed" })
        expect(Fs.readFileSync(`${filename}.key`, "utf8")).toBe(text)
      })
  )

  it.scopedLive("no new master key is created when the database holds sealed keys", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* using({ filename }, ({ keys }) => keys.insertFirst(rootKey))
      Fs.rmSync(`${filename}.key`)
      expect(yield* refusal({ filename })).toMatchObject({ reason: "MasterKeyMissing" })
      expect(Fs.existsSync(`${filename}.key`)).toBe(false)
      // An operator who has the key elsewhere can give it.
      yield* using({ filename, masterKey: Redacted.make(new Uint8Array(32)) }, ({ keys }) => keys.list)
    })
  )

  it.scopedLive("a new master key is created when the database holds no sealed keys", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* ours(filename)
      Fs.rmSync(`${filename}.key`)
      yield* ours(`${filename}`).pipe(Effect.ignore)
      expect(modeOf(`${filename}.key`)).toBe("600")
    })
  )
})
