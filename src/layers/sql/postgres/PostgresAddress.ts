/** The address of a PostgreSQL database, `postgres://user:password@host:port/database?parameters`, and what may be told of it. */

/** Whether a text is such an address. */
export const isOne = (text: string): boolean =>
  /^postgres(ql)?:\/\//.test(text) && URL.canParse(text) && new URL(text).pathname.length > 1

/** `postgres://host:port/database`: what stands in messages. `undefined` for what is no such address. */
export const label = (text: string): string | undefined => {
  if (!isOne(text)) return undefined
  const { host, pathname, protocol } = new URL(text)
  return `${protocol}//${host}${pathname}`
}

/** Parameters that may hold a password, too (libpq, "Connection URIs"). */
const secretParameters = ["password", "sslpassword"]

/** The address without its password; any other text as it is. */
export const withoutPassword = (text: string): string => {
  if (!isOne(text)) return text
  const url = new URL(text)
  url.password = ""
  for (const name of secretParameters) url.searchParams.delete(name)
  return url.href
}

/** Whether a text is such an address and holds a password. */
export const hasPassword = (text: string): boolean => {
  if (!isOne(text)) return false
  const { password, searchParams } = new URL(text)
  return password !== "" || secretParameters.some((name) => searchParams.has(name))
}

/** The schema of the tables where no other is named. */
export const standardSchema = "latchkey"
