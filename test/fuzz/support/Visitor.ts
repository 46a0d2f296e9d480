/** A person's browser, as far as a case needs one: cookies, the forms of pages, redirects within the server. */
import { parse } from "node-html-parser"
import { type Answer, header } from "./Answer.js"
import { get, type Pairs, postForm } from "./Request.js"
import type { Scene } from "./World.js"

/** A form of a page, with the values that stand in it. */
export interface Form {
  readonly action: string
  readonly fields: Pairs
  readonly buttons: Pairs
}

export const forms = (html: string): ReadonlyArray<Form> =>
  parse(html)
    .querySelectorAll("form")
    .map((form) => {
      const named = (selector: string): Pairs =>
        form.querySelectorAll(selector).flatMap((input) => {
          const name = input.getAttribute("name")
          return name === undefined ? [] : [[name, input.getAttribute("value") ?? ""] as const]
        })
      return { action: form.getAttribute("action") ?? "", fields: named("input"), buttons: named("button") }
    })

/** The form that has a field or a button of this name. */
export const formWith = (html: string, name: string): Form | undefined =>
  forms(html).find(({ buttons, fields }) => [...fields, ...buttons].some(([other]) => other === name))

export class Visitor {
  readonly cookies = new Map<string, string>()
  readonly username: string

  constructor(username: string) {
    this.username = username
  }

  get #headers() {
    const cookie = Array.from(this.cookies, (pair) => pair.join("=")).join("; ")
    return { ...(cookie === "" ? {} : { cookie }), accept: "text/html" }
  }

  /** Opens a page; redirects are followed while they stay on the server. */
  async open(scene: Scene, path: string, query: Pairs = []): Promise<Answer> {
    return this.#follow(scene, await scene.send(get(path, query, this.#headers)))
  }

  /** Sends a form: its fields, those typed over them, and one of its buttons. */
  async submit(
    scene: Scene,
    { action, buttons, fields }: Form,
    typed: Readonly<Record<string, string>> = {},
    button?: string
  ): Promise<Answer> {
    const filled = fields.map(([name, value]) => [name, typed[name] ?? value] as const)
    const pressed = buttons.filter(([, value]) => value === button).slice(0, 1)
    const headers = { ...this.#headers, origin: scene.world.issuer, "sec-fetch-site": "same-origin" }
    return this.#follow(scene, await scene.send(postForm(action, [...filled, ...pressed], headers)))
  }

  async #follow(scene: Scene, answer: Answer, hops = 0): Promise<Answer> {
    for (const [name, value] of answer.headers) if (name.toLowerCase() === "set-cookie") this.#keep(value)
    const location = header(answer, "location")
    if (answer.status !== 303 || location === undefined || hops > 5) return answer
    const target = new URL(location, scene.world.issuer)
    if (target.origin !== scene.world.issuer) return answer
    const next = get(target.pathname, [...target.searchParams], this.#headers)
    return this.#follow(scene, await scene.send(next), hops + 1)
  }

  #keep(cookie: string): void {
    const [pair = "", ...attributes] = cookie.split("; ")
    const at = pair.indexOf("=")
    if (attributes.includes("Max-Age=0")) this.cookies.delete(pair.slice(0, at))
    else this.cookies.set(pair.slice(0, at), pair.slice(at + 1))
  }
}
