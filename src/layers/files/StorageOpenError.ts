/** The reasons why a database was not opened. Nothing in it was changed. */
import * as Schema from "effect/Schema"

/** The database cannot be used. `message` is one line for the operator and contains no secret. */
export class StorageOpenError extends Schema.TaggedError<StorageOpenError>("latchkey/StorageOpenError")(
  "StorageOpenError",
  {
    reason: Schema.Literal(
      /** The path is a directory, a symbolic link, a device, or no file name. */
      "NotAFile",
      /** The file is empty, is no SQLite database, or belongs to another program. */
      "NotOurs",
      /** A later version of Latchkey has migrated the database. */
      "Newer",
      "Corrupt",
      /** Permissions, a read-only or full disk, or a file system that SQLite does not support. */
      "NotWritable",
      /** Another process had the lock for longer than the maximum wait. */
      "Locked",
      /** The native module of the database driver is missing, or was built for another version of Node. */
      "NativeModule",
      /** The server does not answer, or rejects the connection. */
      "Unreachable",
      /** The database has root keys, and the master key that decrypts them is missing. */
      "MasterKeyMissing",
      /** Other users can read the file of the master key. */
      "MasterKeyExposed",
      /** The master key does not have 32 bytes. */
      "MasterKeyMalformed"
    ),
    message: Schema.String,
    cause: Schema.optional(Schema.Defect)
  }
) {}
