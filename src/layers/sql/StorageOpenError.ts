/** Why a database was not opened. Nothing of it was changed. */
import * as Schema from "effect/Schema"

/** The database cannot be used; `message` is one line for the operator, and holds no secret. */
export class StorageOpenError extends Schema.TaggedError<StorageOpenError>("latchkey/StorageOpenError")(
  "StorageOpenError",
  {
    reason: Schema.Literal(
      /** A directory, a symbolic link, a device, or no name of a file at all. */
      "NotAFile",
      /** Empty, no SQLite database, or another program's. */
      "NotOurs",
      /** A later version of this program has been here. */
      "Newer",
      "Corrupt",
      /** Permissions, a read-only or full disk, or a file system on which SQLite cannot work. */
      "NotWritable",
      /** Another process held the lock for longer than we wait. */
      "Locked",
      /** The native module of the database driver is missing, or was built for another Node. */
      "NativeModule",
      /** A server that does not answer, or lets this program not in. */
      "Unreachable",
      /** The database holds root keys, and the master key that opens them is not there. */
      "MasterKeyMissing",
      /** The file of the master key can be read by others. */
      "MasterKeyExposed",
      /** What should be a master key is not 32 bytes. */
      "MasterKeyMalformed"
    ),
    message: Schema.String,
    cause: Schema.optional(Schema.Defect)
  }
) {}
