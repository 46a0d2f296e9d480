/** Headers for tests that compare answers: without those that differ each time, the date and the request's id. */

type Pairs = ReadonlyArray<readonly [name: string, value: string]>

const differ = new Set(["date", "x-request-id"])

/** The headers that are the same each time, of a list of them. */
export const steady = (headers: Pairs, ...others: ReadonlyArray<string>): Pairs =>
  headers.filter(([name]) => !differ.has(name.toLowerCase()) && !others.includes(name))

/** The headers of a response that are the same each time. */
export const sameEachTime = ({ headers }: Pick<Response, "headers">, ...others: ReadonlyArray<string>): Pairs =>
  steady([...headers], ...others)
