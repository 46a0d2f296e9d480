/** A user's browser, as far as the flows need one: it keeps cookies, sends forms, and follows redirects on one origin. */
import { type HTMLElement, parse } from "node-html-parser"

/** How requests reach the server. */
export type Fetch = (request: Request) => Promise<Response>

/** A page in the browser. */
export interface Page {
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly html: string
  readonly document: HTMLElement
  /** The redirect to another origin, if the server sent one. */
  readonly sentTo: URL | undefined
}

/** Beginnings of the labels of the account page's buttons, which have no value: their form has the action. */
const labels: Readonly<Record<string, string>> = {
  withdraw: "Remove access",
  installation: "Remove this one",
  end: "Log out there",
  password: "Change password"
}

/** A button of a form, by its value, by its text, or by one of `labels`. */
const buttonOf = (form: HTMLElement, button: string) =>
  form
    .querySelectorAll("button")
    .find(
      (found) =>
        found.getAttribute("value") === button || found.text === button || found.text.startsWith(labels[button] ?? "\n")
    )

/** The page with only one of its forms: the `index`th that has this button. */
export const withForm = (page: Page, button: string, index = 0): Page => {
  const forms = page.document.querySelectorAll("form").filter((form) => buttonOf(form, button) !== undefined)
  const form = forms[index]
  if (form === undefined) throw new Error(`no form ${button}:\n${page.html}`)
  return { ...page, document: parse(form.outerHTML) }
}

export class Browser {
  readonly cookies = new Map<string, string>()
  /** Every response so far, redirects included. */
  readonly seen: Array<Response> = []
  /** The `User-Agent` header; `undefined` sends none. */
  userAgent: string | undefined
  readonly #fetch: Fetch
  readonly #origin: string

  constructor(fetch: Fetch, origin: string) {
    this.#fetch = fetch
    this.#origin = origin
  }

  /** Another browser with the same cookies. */
  clone(): Browser {
    const browser = new Browser(this.#fetch, this.#origin)
    for (const [name, value] of this.cookies) browser.cookies.set(name, value)
    browser.userAgent = this.userAgent
    return browser
  }

  open(url: string | URL): Promise<Page> {
    return this.#go(new Request(url, { redirect: "manual" }))
  }

  /**
   * Sends the form of a page by one of its buttons, as a user would. `fields` replace the values on the page; `ticked` are
   * the ticked boxes, if they differ from the page.
   */
  submit(
    page: Page,
    options: {
      readonly fields?: Readonly<Record<string, string>>
      readonly button?: string
      readonly ticked?: ReadonlyArray<string>
      /** A header that is undefined is not sent. */
      readonly headers?: Readonly<Record<string, string | undefined>>
    } = {}
  ): Promise<Page> {
    const form = page.document.querySelector("form")
    if (form === null) throw new Error(`there is no form on this page:\n${page.html}`)
    const body = new URLSearchParams()
    for (const input of form.querySelectorAll("input")) {
      const name = input.getAttribute("name")
      if (name === undefined) continue
      const value = input.getAttribute("value") ?? ""
      if (input.getAttribute("type") === "checkbox") {
        const ticked = options.ticked?.includes(value) ?? input.hasAttribute("checked")
        if (ticked) body.append(name, value)
      } else {
        body.append(name, options.fields?.[name] ?? value)
      }
    }
    if (options.button !== undefined) {
      const button = buttonOf(form, options.button)
      if (button === undefined) throw new Error(`no button ${options.button}`)
      const name = button.getAttribute("name")
      if (name !== undefined) body.append(name, options.button)
    }
    const headers = new Headers()
    const all = { origin: this.#origin, "sec-fetch-site": "same-origin", ...options.headers }
    for (const [name, value] of Object.entries(all)) if (value !== undefined) headers.set(name, value)
    const url = new URL(form.getAttribute("action") ?? "", page.url)
    return this.#go(new Request(url, { method: "POST", body, redirect: "manual", headers }))
  }

  async #go(request: Request, hops = 0): Promise<Page> {
    const sent = new Request(request)
    if (this.cookies.size > 0) sent.headers.set("cookie", Array.from(this.cookies, (c) => c.join("=")).join("; "))
    if (this.userAgent !== undefined) sent.headers.set("user-agent", this.userAgent)
    const response = await this.#fetch(sent)
    this.seen.push(response)
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie)
    const location = response.headers.get("location")
    const target = location === null ? undefined : new URL(location, request.url)
    if (target !== undefined && target.origin === this.#origin && hops < 10) {
      return this.#go(new Request(target, { redirect: "manual" }), hops + 1)
    }
    const html = await response.text()
    return {
      url: request.url,
      status: response.status,
      headers: response.headers,
      html,
      document: parse(html),
      sentTo: target
    }
  }

  #keep(cookie: string) {
    const [pair = "", ...attributes] = cookie.split("; ")
    const [name = "", value = ""] = pair.split("=")
    if (attributes.includes("Max-Age=0")) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}
