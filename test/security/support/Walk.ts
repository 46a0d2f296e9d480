/** Raw requests to the authorization endpoint, with or without a login. */
import { expect } from "vitest"
import type { Browser } from "../../flow/support/Browser.js"
import type { Client, Parameters } from "../../flow/support/Server.js"
import type { Answer } from "./Raw.js"
import type { Target } from "./Target.js"

/** The header with the cookies of a browser. */
export const cookies = (browser: Browser): Readonly<Record<string, string>> => ({
  Cookie: Array.from(browser.cookies, (pair) => pair.join("=")).join("; ")
})

/** The query of an authorization request. */
export const query = async (target: Target, client: Client, parameters: Parameters = {}): Promise<string> =>
  (await target.request(client, parameters)).url.search.slice(1)

/** Opens `/authorize` with a query, byte for byte, with the cookies of a browser if one is given. */
export const visit = (target: Target, text: string, browser?: Browser): Promise<Answer> =>
  target.http({ path: `/authorize?${text}`, headers: browser === undefined ? {} : cookies(browser) })

/** Asserts that the response is a page without a redirect. */
export const expectPage = (answer: Answer, status: number, what: string) => {
  expect([answer.status, answer.header("location"), answer.header("refresh")], what).toEqual([
    status,
    undefined,
    undefined
  ])
  expect(answer.header("content-type"), what).toBe("text/html; charset=utf-8")
  expect(answer.body, what).not.toMatch(/http-equiv="?refresh/i)
}

/** The parameters with which a response sends the browser to the client; there is no fragment. */
export const sentTo = (answer: Answer, redirectUri: string): Readonly<Record<string, string>> => {
  expect(answer.status, answer.body.slice(-300)).toBe(303)
  const location = answer.header("location") ?? ""
  expect(location.slice(0, redirectUri.length + 1)).toMatch(/[?&]$/)
  expect(location.slice(0, redirectUri.length)).toBe(redirectUri)
  expect(location).not.toContain("#")
  expect(location).toMatch(/^[\x21-\x7E]*$/)
  return Object.fromEntries(new URLSearchParams(location.slice(redirectUri.length + 1)))
}
