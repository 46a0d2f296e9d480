/** Login attempts from any loopback address. */
import { parse } from "node-html-parser"
import type { Browser } from "../../flow/support/Browser.js"
import { password as rightPassword } from "../../flow/support/Server.js"
import { formOf } from "./Pages.js"
import type { Answer, ExchangeOptions } from "./Raw.js"
import type { Target } from "./Target.js"

/** The login page of one browser. Its form may be sent any number of times. */
export interface LoginForm {
  readonly form: string
  readonly headers: Readonly<Record<string, string>>
}

/** Opens the login page in a new browser. */
export const loginForm = async (target: Target): Promise<LoginForm> => {
  const page = await target.http({ path: "/account" })
  const Cookie = Array.from(cookiesSet(page), (pair) => pair.join("=")).join("; ")
  return { form: formOf(page), headers: { Cookie, "Sec-Fetch-Site": "same-origin" } }
}

/** Sends the form: 303 is a login, 403 a refusal, 429 a pause. The password is the right one if none is given. */
export const attempt = (
  target: Target,
  { form, headers }: LoginForm,
  username: string,
  password: string = rightPassword,
  options: ExchangeOptions & { readonly headers?: Readonly<Record<string, string>> } = {}
): Promise<Answer> =>
  target.http(
    { method: "POST", path: "/login", headers: { ...headers, ...options.headers }, body: { form, username, password } },
    options
  )

/** The cookies that a response sets: name to value. */
export const cookiesSet = (answer: Answer): ReadonlyMap<string, string> =>
  new Map(
    answer.all("set-cookie").map((line) => {
      const [name = "", value = ""] = line.split(";")[0]?.split("=") ?? []
      return [name, value]
    })
  )

/** The visible text of a page. */
export const textOf = ({ body }: Answer): string => parse(body).querySelector("main")?.structuredText ?? ""

/** A browser with its own session, which `target.person` does not share. */
export const newSession = async (target: Target, username = "ada"): Promise<Browser> => {
  const browser = target.browser()
  await target.logIn(browser, await browser.open(`${target.issuer}/account`), username)
  return browser
}
