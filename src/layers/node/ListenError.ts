/** The error of a server that cannot listen on its address. The message says what to do (Node's system errors). */
import * as Data from "effect/Data"

/** The address of a server. */
interface Address {
  readonly host: string
  readonly port: number
}

/** The messages, by Node's codes. */
const reasons = {
  EADDRINUSE: ({ host, port }: Address) =>
    `port ${port} of ${host} is in use: stop the other program, or choose another port`,
  EACCES: ({ host, port }: Address) =>
    `port ${port} of ${host} needs a permission that this user does not have: grant it, or choose a port above 1023`,
  EADDRNOTAVAIL: ({ host }: Address) => `${host} is not an address of this machine: choose another host`,
  ENOTFOUND: ({ host }: Address) => `${host} is not an address of this machine: choose another host`,
  EAI_AGAIN: ({ host }: Address) => `the name ${host} cannot be resolved: use an address such as 127.0.0.1`
} as const

const codeOf = (cause: unknown): string => (cause instanceof Error && "code" in cause ? String(cause.code) : "no code")

const isKnown = (code: string): code is keyof typeof reasons => Object.hasOwn(reasons, code)

/** A server cannot listen on its address; `code` is Node's, such as `EADDRINUSE`. */
export class ListenError extends Data.TaggedError("ListenError")<{
  readonly host: string
  readonly port: number
  readonly code: string
  readonly message: string
  readonly cause: unknown
}> {
  /** Returns the error for an address, from the error of Node. */
  static readonly of = ({ host, port }: Address, cause: unknown): ListenError => {
    const code = codeOf(cause)
    const message = isKnown(code)
      ? reasons[code]({ host, port })
      : `port ${port} of ${host} cannot be used to listen (${code})`
    return new ListenError({ host, port, code, message, cause })
  }
}
