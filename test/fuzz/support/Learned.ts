/** What the answers of a run hold that is secret: collected as they come, and looked for in the end. */
import type { Leak, Places, Secrets } from "../../support/Secrets.js"
import { type Answer, header, member } from "./Answer.js"
import type { Broken } from "./Oracles.js"
import type { World } from "./World.js"

/** Maximum number of secrets that are looked for: a search takes time with each. */
const most = 6_000

const cookie = /^[^=]+=([A-Za-z0-9_-]{8,})/

/** The sealed form of a page. */
const sealed = /name="form" value="(lk_fm_[^"]+)"/g

/** Keeps the secrets that the server gave out in an answer, and its forms for later cases: nothing that a request brought. */
export const learn = (world: World, answer: Answer): void => {
  const forms = Array.from(answer.body.matchAll(sealed), ([, form = ""]) => form)
  for (const form of forms) world.forms.put(form)
  if (world.secrets.size > most) return
  for (const form of forms) world.secrets.add("form", form)
  for (const name of ["access_token", "refresh_token", "client_secret"])
    world.secrets.addFromText(member(answer, name) ?? "")
  const location = header(answer, "location") ?? ""
  world.secrets.addFromText(/[?&]code=([^&]+)/.exec(location)?.[1] ?? "")
  for (const [name, value] of answer.headers) {
    const secret = name.toLowerCase() === "set-cookie" ? cookie.exec(value)?.[1] : undefined
    if (secret !== undefined) world.secrets.add("cookie", secret)
  }
}

/** Where secrets were found that are kept nowhere. */
export const check = (secrets: Secrets, places: Places): ReadonlyArray<Broken> =>
  secrets.search(places).map(({ around, form, kind, place }: Leak) => ({
    oracle: "secret",
    detail: `a ${kind} (${form}) is in ${place}: ${JSON.stringify(around)}`
  }))
