/** What an error of PostgreSQL, or of the connection to it, leaves unknown. */
import type { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import { DatabaseFailure } from "../stores/SqlText.js"

/**
 * Connection exceptions; a server that is shut down, crashed, or not up yet
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html); what the operating system says of a socket.
 */
const codes = /^(08...|57P0[123]|ECONNRESET|EPIPE|ETIMEDOUT)$/

/** What the driver says without a code. */
const messages = /^(Connection terminated( unexpectedly)?|Query read timeout)$/

/** Whether the connection was lost while a statement may have been out: it may have been done, or not. */
export const isConnectionLost = ({ cause }: TemporarilyUnavailable): boolean =>
  cause instanceof DatabaseFailure && (codes.test(cause.code) || (cause.code === "" && messages.test(cause.message)))
