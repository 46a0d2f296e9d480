/** The master key in a file beside the database: 32 random bytes as base64url, for the eyes of its owner only. */

import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Base64Url from "../../domain/Base64Url.js"
import { randomBytes } from "../../services/keys/Crypto.js"
import { codeOf } from "../sql/ErrorCode.js"
import { StorageOpenError } from "../sql/StorageOpenError.js"
import * as PrivateFile from "./PrivateFile.js"

/** How many bytes a master key has. */
export const length = 32

/** A key that somebody gave, if it has the right length. */
export const checked = (
  key: Redacted.Redacted<Uint8Array>
): Effect.Effect<Redacted.Redacted<Uint8Array>, StorageOpenError> =>
  Redacted.value(key).length === length
    ? Effect.succeed(key)
    : new StorageOpenError({ reason: "MasterKeyMalformed", message: `the master key must be ${length} bytes` })

/**
 * Reads the file, or makes it. Two processes that start at once end up with the same key. `inUse` says whether the
 * database holds keys that were sealed under a master key, and is asked first: then a missing file is not made anew,
 * because a new key would open nothing.
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
        message: `${path}: the master key is missing, and without it nothing in the database can be opened: put the file back, or give the key`
      })
    }
    yield* PrivateFile.create(path, format(Redacted.value(yield* draw)))
    // Whoever made it, this is the key.
    return yield* parse(
      path,
      Option.getOrElse(yield* read(path), () => "")
    )
  })

const format = (key: Uint8Array): Uint8Array => new TextEncoder().encode(`${Base64Url.encode(key)}\n`)

/** Puts a new key in the place of the one that lies there, if any does: the database's own keys are to follow (ADR 23). */
export const replace = (path: string, key: Redacted.Redacted<Uint8Array>): Effect.Effect<void, StorageOpenError> =>
  PrivateFile.replace(path, format(Redacted.value(key)))

/** A new key, drawn at random. */
export const draw: Effect.Effect<Redacted.Redacted<Uint8Array>> = Effect.map(randomBytes(length), (bytes) =>
  Redacted.make(bytes)
)

/**
 * The key in a file that somebody else made, such as a mounted secret. Fails when there is none: no key is made here.
 */
export const readGiven = (path: string): Effect.Effect<Redacted.Redacted<Uint8Array>, StorageOpenError> =>
  Effect.flatMap(
    read(path),
    Option.match({
      onNone: () =>
        new StorageOpenError({ reason: "MasterKeyMissing", message: `${path}: there is no such file of a master key` }),
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
        ? Effect.annotateLogs(Effect.logWarning("the file of the master key can be read by its group"), { file: path })
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

/** A key as text. White space around it, such as the newline that `echo` writes, and a byte order mark are left out. */
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
        message: `${path}: this is no master key, which is ${length} bytes in base64url`
      })
  )
