/** The outcome of a raw response in one line. */
import type { Answer } from "./Raw.js"

/** The status, and the error if there is one, such as "400 invalid_request": `outcome` for a response of `Raw`. */
export const outcomeOf = (answer: Answer): string => {
  const isJson = answer.header("content-type") === "application/json"
  const { error } = isJson ? answer.json() : {}
  return error === undefined ? `${answer.status}` : `${answer.status} ${error}`
}

/** A header of HTTP Basic authentication, from the text before it is encoded. */
export const basicOf = (userPass: string, scheme = "Basic"): Readonly<Record<string, string>> => ({
  Authorization: `${scheme} ${Buffer.from(userPass).toString("base64")}`
})
