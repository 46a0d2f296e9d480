/** Every page that a user may see, with its headers, for rules about all pages. */
import * as Effect from "effect/Effect"
import { parse } from "node-html-parser"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { redirectUri } from "../../flow/support/Server.js"
import { changed, verbs } from "../../flow/support/Storage.js"
import type { Answer } from "./Raw.js"
import type { Target } from "./Target.js"
import { cookies, query, visit } from "./Walk.js"

export interface Shown {
  readonly name: string
  readonly status: number
  readonly answer: Answer
}

/** The sealed state in the form of a page. */
export const formOf = ({ body }: Answer): string =>
  parse(body).querySelector("[name=form]")?.getAttribute("value") ?? ""

/** Pages of every kind and status; no redirects. */
export const everyPage = async (target: Target): Promise<ReadonlyArray<Shown>> => {
  const client = await target.register()
  const person = cookies(await target.person())
  const text = await query(target, client, { prompt: "consent" })
  const own = { ...person, "Sec-Fetch-Site": "same-origin" }
  const form = (
    path: string,
    body: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = own
  ) => target.http({ method: "POST", path, headers, body })

  const stranger = target.browser()
  await stranger.open(`${target.issuer}/authorize?${text}`)
  const login = await target.http({ path: `/authorize?${text}`, headers: cookies(stranger) })
  // A new name, because the failures of one name add up.
  const typed = { form: formOf(login), username: client.client_id.slice(0, 20), password: "a wrong password" }
  const consent = await visit(target, text, await target.person())
  const decided = await visit(target, text, await target.person())
  const decide = { form: formOf(decided), decision: "allow", scope: "notes:read" }
  const code = new URL((await form("/consent", decide)).header("location") ?? "").searchParams.get("code")
  await target.post("/token", {
    grant_type: "authorization_code",
    client_id: client.client_id,
    code: String(code),
    code_verifier: "x".repeat(43),
    redirect_uri: redirectUri
  })

  const broken = await target.another({
    storage: changed(verbs(ClientStore, () => ({ find: () => Effect.die(new Error("broken")) })))
  })

  const shown: ReadonlyArray<readonly [name: string, status: number, answer: Answer]> = [
    ["login", 200, login],
    ["login failed", 403, await form("/login", typed, { ...cookies(stranger), "Sec-Fetch-Site": "same-origin" })],
    ["consent", 200, consent],
    ["already decided", 409, await form("/consent", decide)],
    ["account", 200, await target.http({ path: "/account", headers: person })],
    ["logout", 200, await target.http({ path: "/logout", headers: person })],
    ["request refused", 400, await visit(target, "client_id=x")],
    [
      "redirect notice",
      400,
      await visit(target, `${await query(target, await target.register(), { scope: 'ad"min' })}`, await target.person())
    ],
    ["silent request", 403, await visit(target, `${text}&prompt=none`.replace("prompt=consent&", ""))],
    ["foreign form", 403, await form("/consent", decide, { ...person, "Sec-Fetch-Site": "cross-site" })],
    ["forged form", 403, await form("/consent", { form: "x" })],
    ["method", 405, await target.http({ method: "PUT", path: "/authorize" })],
    ["server error", 500, await visit(broken, "client_id=x")],
    ["too large", 413, await form("/login", { form: "x".repeat(70_000) })]
  ]
  return shown.map(([name, status, answer]) => ({ name, status, answer }))
}
