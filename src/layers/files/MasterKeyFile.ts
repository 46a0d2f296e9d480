/** The master key in a file next to the database: 32 random bytes as base64url, which only its owner can read. */

import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Base64Url from "../../domain/Base64Url.js"
import { randomBytes } from "../../services/keys/Crypto.js"
import { codeOf } from "./ErrorCode.js"
import * as PrivateFile from "./PrivateFile.js"
import * as StartWarnings from "./StartWarnings.js"
import { StorageOpenError } from "./StorageOpenError.js"

/** Length of a master key in bytes. */
export const length = 32

/** Returns a given key. Fails if its length is wrong. */
export const checked = (
  key: Redacted.Redacted<Uint8Array>
): Effect.Effect<Redacted.Redacted<Uint8Array>, StorageOpenError> =>
  Redacted.value(key).length === length
    ? Effect.succeed(key)
    : new StorageOpenError({ reason: "MasterKeyMalformed", message: `the master key must be ${length} bytes` })

/**
 * Reads the file, or creates it. Two processes that start at the same time get the same key. `inUse` returns whether the
 * database holds keys that were sealed with a master key. It runs first: then a missing file is an error, because a new key
 * would open nothing.
 */
export const readOrMake = (
  path: string,
  inUse: Effect.Effect<boolean, StorageOpenError>
): Effect.Effect<Redacted.Redacted<Uint8Array>, StorageOpenError> =>
  Effect.gen(function* () {
    const isInUse = yield* inUse
    const found = yield* read(path)
    if (Option.isSome(found)) return yield* parse(path, found.value)
    if (isInUse) {
      return yield* new StorageOpenError({
        reason: "MasterKeyMissing",
        message: `${path}: the master key is missing, and nothing in the database can be opened without it: restore the file, or give the key`
      })
    }
    yield* PrivateFile.create(path, format(Redacted.value(yield* draw)))
    // Another process may have created the file first. The file has the key.
    return yield* parse(
      path,
      Option.getOrElse(yield* read(path), () => "")
    )
  })

const format = (key: Uint8Array): Uint8Array => new TextEncoder().encode(`${Base64Url.encode(key)}\n`)

/** Replaces the key in the file. The caller then seals the keys of the database again (ADR 23). */
export const replace = (path: string, key: Redacted.Redacted<Uint8Array>): Effect.Effect<void, StorageOpenError> =>
  PrivateFile.replace(path, format(Redacted.value(key)))

/** Returns a new random key. */
export const draw: Effect.Effect<Redacted.Redacted<Uint8Array>> = Effect.map(randomBytes(length), (bytes) =>
  Redacted.make(bytes)
)

/** Reads the key from a file that the operator provides, such as a mounted secret. Fails if the file does not exist. */
export const readGiven = (path: string): Effect.Effect<Redacted.Redacted<Uint8Array>, StorageOpenError> =>
  Effect.flatMap(
    read(path),
    Option.match({
      onNone: () =>
        new StorageOpenError({
          reason: "MasterKeyMissing",
          message: `${path}: this file of the master key does not exist`
        }),
      onSome: (text) => parse(path, text)
    })
  )

const read = (path: string): Effect.Effect<Option.Option<string>, StorageOpenError> =>
  Effect.tryPromise({
    try: () => Fs.open(path, "r"),
    catch: (cause) => unreadable(path, cause)
  }).pipe(
    Effect.flatMap((handle) =>
      Effect.tryPromise({
        try: async () => ({ access: PrivateFile.accessOf(await handle.stat()), text: await handle.readFile("utf8") }),
        catch: (cause) => unreadable(path, cause)
      }).pipe(Effect.ensuring(Effect.promise(() => handle.close())))
    ),
    Effect.filterOrFail(
      ({ access }) => access !== "Others",
      () =>
        new StorageOpenError({
          reason: "MasterKeyExposed",
          message: `${path}: the master key can be read by others: make the file readable by its owner only (chmod 600)`
        })
    ),
    Effect.tap(({ access }) =>
      access === "Group"
        ? StartWarnings.warn(
            Effect.annotateLogs(Effect.logWarning("the file of the master key can be read by its group"), {
              file: path
            })
          )
        : Effect.void
    ),
    Effect.map(({ text }) => Option.some(text)),
    Effect.catchIf(
      ({ cause }) => codeOf(cause) === "ENOENT",
      () => Effect.succeedNone
    )
  )

const unreadable = (path: string, cause: unknown) =>
  new StorageOpenError({
    reason: "MasterKeyMissing",
    message: `${path}: the master key cannot be read (${codeOf(cause)})`,
    cause
  })

/** Reads a key from text. It ignores surrounding white space, such as the newline of `echo`, and a byte order mark. */
export const fromText = (text: string): Option.Option<Redacted.Redacted<Uint8Array>> =>
  Base64Url.decode(text.trim()).pipe(
    Option.filter((bytes) => bytes.length === length),
    Option.map((bytes) => Redacted.make(bytes))
  )

const parse = (path: string, text: string): Effect.Effect<Redacted.Redacted<Uint8Array>, StorageOpenError> =>
  Effect.mapError(
    fromText(text),
    () =>
      new StorageOpenError({
        reason: "MasterKeyMalformed",
        message: `${path}: this is not a master key, which is ${length} bytes in base64url`
      })
  )
