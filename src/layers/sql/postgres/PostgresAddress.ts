/** The address of a PostgreSQL database, `postgres://user:password@host:port/database?parameters`, and its parts without a secret. */
import * as Url from "../../../domain/Url.js"

/** Whether a text is such an address. */
export const isOne = (text: string): boolean =>
  /^postgres(ql)?:\/\//.test(text) && (Url.parse(text)?.pathname ?? "").length > 1

/** Returns `postgres://host:port/database`, for messages. `undefined` for any other text. */
export const label = (text: string): string | undefined => {
  if (!isOne(text)) return undefined
  const { host, pathname, protocol } = new URL(text)
  return `${protocol}//${host}${pathname}`
}

/** Parameters that may also contain a password (libpq, "Connection URIs"). */
const secretParameters = ["password", "sslpassword"]

/** Returns the address without its password. Any other text is returned unchanged. */
export const withoutPassword = (text: string): string => {
  if (!isOne(text)) return text
  const url = new URL(text)
  url.password = ""
  for (const name of secretParameters) url.searchParams.delete(name)
  return url.href
}

/** Whether a text is such an address with a password. */
export const hasPassword = (text: string): boolean => {
  if (!isOne(text)) return false
  const { password, searchParams } = new URL(text)
  return password !== "" || secretParameters.some((name) => searchParams.has(name))
}

/** The schema of the tables if the options name none. */
export const standardSchema = "latchkey"
