/** Why a server cannot listen on its address, with what to do (Node's system errors). */
import * as Data from "effect/Data"

/** Where a server was to listen. */
interface Address {
  readonly host: string
  readonly port: number
}

/** The reasons that can be mended, by Node's codes. */
const reasons = {
  EADDRINUSE: ({ host, port }: Address) =>
    `port ${port} of ${host} is in use: stop what listens there, or choose another port`,
  EACCES: ({ host, port }: Address) =>
    `port ${port} of ${host} is not for this user to listen on: let this user do so, or choose a port above 1023`,
  EADDRNOTAVAIL: ({ host }: Address) => `${host} is no address of this machine: choose another host`,
  ENOTFOUND: ({ host }: Address) => `${host} is no address of this machine: choose another host`,
  EAI_AGAIN: ({ host }: Address) => `the name ${host} cannot be looked up: give an address such as 127.0.0.1`
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
  /** The error of an address, by what Node failed with. */
  static readonly of = ({ host, port }: Address, cause: unknown): ListenError => {
    const code = codeOf(cause)
    const message = isKnown(code)
      ? reasons[code]({ host, port })
      : `port ${port} of ${host} cannot be listened on (${code})`
    return new ListenError({ host, port, code, message, cause })
  }
}
