/** Options of a connection pool, apart from the pool: an app compiles against them without the types of the driver. */
import type * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"

export interface PostgresOptions {
  /**
   * `postgres://user:password@host:port/database`. Unless the host is this machine, TLS is spoken and the server's
   * certificate verified; `?sslmode=disable` says otherwise, and `?sslrootcert=FILE` names whom to trust.
   */
  readonly url: Redacted.Redacted
  /** The schema of the tables, made where there is none, so that an app's own are apart: `latchkey` if not given. */
  readonly schema?: string | undefined
  /** How many connections there are at most: 10 if not given. */
  readonly maxConnections?: number | undefined
  /** How long a statement may take, and how long a free connection is awaited: 2 seconds if not given. */
  readonly timeout?: Duration.DurationInput | undefined
}
