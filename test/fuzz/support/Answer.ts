/** A response as an oracle looks at it. */
import type { Pairs } from "./Request.js"

export interface Answer {
  /** 0 when no response came. */
  readonly status: number
  readonly headers: Pairs
  readonly body: string
  /** From the last byte of the request to the last byte of the response, in milliseconds. */
  readonly millis: number
  /** Why no response came. */
  readonly failure?: string
}

export const header = (answer: Answer, name: string): string | undefined =>
  answer.headers.find(([other]) => other.toLowerCase() === name)?.[1]

/** The members of a JSON body; none where it is something else. */
export const json = (answer: Answer): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(answer.body)
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}

/** A member of a JSON body that is a text. */
export const member = (answer: Answer, name: string): string | undefined => {
  const value = json(answer)[name]
  return typeof value === "string" ? value : undefined
}
