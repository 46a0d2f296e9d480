/** Registrations, good and bad. */
import { expect } from "vitest"
import { redirectUri } from "../../flow/support/Server.js"
import type { Answer, ExchangeOptions } from "./Raw.js"
import type { Target } from "./Target.js"

/** The smallest valid registration. */
export const good = { redirect_uris: [redirectUri] }

/** Posts a text, or a value as JSON. */
export const post = (target: Target, metadata: unknown, options: ExchangeOptions = {}): Promise<Answer> =>
  target.http(
    {
      method: "POST",
      path: "/register",
      headers: { "Content-Type": "application/json" },
      body: typeof metadata === "string" ? metadata : JSON.stringify(metadata)
    },
    options
  )

const refusal = (answer: Answer) => `${answer.status} ${answer.json().error}`

/** The JSON response to a registration that must succeed. */
export const accepted = async (target: Target, metadata: unknown) => {
  const answer = await post(target, metadata)
  expect(answer.status, answer.body).toBe(201)
  return answer.json()
}

/** Asserts that each of these is refused with this error. */
export const expectRefused = async (target: Target, error: string, bodies: ReadonlyArray<unknown>) => {
  for (const body of bodies) {
    expect(refusal(await post(target, body)), String(JSON.stringify(body)).slice(0, 100)).toBe(`400 ${error}`)
  }
}
