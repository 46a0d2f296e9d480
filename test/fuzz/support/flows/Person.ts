/** A person in a browser: logs in, allows and denies, sees the account page, logs out. */
import { createHash } from "node:crypto"
import { type Answer, header } from "../Answer.js"
import { get, type Pairs, postForm } from "../Request.js"
import * as Values from "../Values.js"
import { forms, formWith, Visitor } from "../Visitor.js"
import { type Client, type Flow, password, type Scene, usernames } from "../World.js"
import * as Clients from "./Clients.js"

const scopes: Readonly<Record<string, ReadonlyArray<string>>> = {
  mcp: ["notes:read", "notes:read notes:write"],
  api: ["latchkey:account"]
}

/** Sends the login form where the page has one. */
const logIn = (scene: Scene, visitor: Visitor, page: Answer): Promise<Answer> => {
  const form = formWith(page.body, "username")
  return form === undefined
    ? Promise.resolve(page)
    : visitor.submit(scene, form, { username: visitor.username, password })
}

/** A browser of an account: most are logged in already. */
const someVisitor = ({ dice, world }: Scene): Visitor =>
  (dice.chance(95) ? world.visitors.take(dice) : undefined) ?? new Visitor(dice.pick(usernames))

const withVisitor = async (scene: Scene, use: (visitor: Visitor) => Promise<unknown>): Promise<void> => {
  const visitor = someVisitor(scene)
  await use(visitor)
  scene.world.visitors.put(visitor)
}

const authorizationRequest = ({ dice, world }: Scene, client: Client, verifier: string, kind: string): Pairs => {
  const prompt = dice.pick([undefined, undefined, "consent", "none", "login"])
  return [
    ["response_type", "code"],
    ["client_id", client.id],
    ["redirect_uri", client.redirectUri],
    ["scope", dice.pick(scopes[kind] ?? [])],
    ["resource", `${world.issuer}/${kind}`],
    ["state", `state-${verifier.slice(0, 12)}`],
    ["code_challenge", createHash("sha256").update(verifier).digest("base64url")],
    ["code_challenge_method", "S256"],
    ...(prompt === undefined ? [] : [["prompt", prompt] as const])
  ]
}

/** From the authorization request to a code, over login and consent. */
export const authorize = async (scene: Scene, asked?: Client): Promise<void> => {
  const { dice, world } = scene
  const client = asked ?? (await Clients.some(scene))
  if (client === undefined) return
  const verifier = dice.bytes(32).toString("base64url")
  const kind = dice.chance(75) ? "mcp" : "api"
  await withVisitor(scene, async (visitor) => {
    const query = authorizationRequest(scene, client, verifier, kind)
    const page = await logIn(scene, visitor, await visitor.open(scene, "/authorize", query))
    const form = formWith(page.body, "decision")
    const submit = () =>
      visitor.submit(scene, form ?? { action: "", fields: [], buttons: [] }, {}, dice.chance(90) ? "allow" : "deny")
    const answer = form === undefined ? page : await submit()
    // A second Allow of one page makes no second grant.
    if (form !== undefined && dice.chance(10)) await submit()
    const location = header(answer, "location")
    const code = location === undefined ? null : new URL(location, world.issuer).searchParams.get("code")
    if (code !== null) {
      world.secrets.add("verifier", verifier)
      world.codes.put({ client, code, verifier, resource: `${world.issuer}/${kind}` })
    }
  })
}

/** The account page, and one of its forms. */
const account = (scene: Scene) =>
  withVisitor(scene, async (visitor) => {
    const { dice } = scene
    const page = await logIn(scene, visitor, await visitor.open(scene, "/account"))
    const all = forms(page.body)
    if (all.length === 0) return
    const form = dice.pick(all)
    const isPassword = form.fields.some(([name]) => name === "current_password")
    // A new password ends all grants of the account, and so most later cases: one in ten is the right one.
    const typed = {
      current_password: dice.chance(10) ? password : "not the password",
      password,
      password_again: dice.chance(80) ? password : Values.text(dice)
    }
    await visitor.submit(scene, form, isPassword ? typed : {}, form.buttons[0]?.[1])
  })

/** Logins that fail, for names that exist and names that do not. */
const guess = async (scene: Scene) => {
  const { dice } = scene
  const visitor = new Visitor(dice.chance(50) ? `nobody-${dice.word(5)}` : Values.text(dice))
  const form = formWith((await visitor.open(scene, "/account")).body, "username")
  const typed = { username: visitor.username, password: dice.chance(50) ? "wrong horse battery" : Values.text(dice) }
  if (form !== undefined) await visitor.submit(scene, form, typed)
}

const logOut = (scene: Scene) =>
  withVisitor(scene, async (visitor) => {
    const form = formWith((await visitor.open(scene, "/logout")).body, "form")
    if (form !== undefined) await visitor.submit(scene, form, {}, form.buttons[0]?.[1])
  })

/** A sealed form of another page or another browser, sent to an endpoint that it may not be for. */
const replayForm = async ({ dice, send, world }: Scene) => {
  const form = world.forms.peek(dice) ?? "lk_fm_x"
  const visitor = world.visitors.peek(dice)
  const path = dice.pick(["/login", "/consent", "/account", "/logout", "/first-account"])
  const cookie = Array.from(visitor?.cookies ?? [], (pair) => pair.join("=")).join("; ")
  const fields = { form: dice.chance(50) ? form : Values.altered(form, dice), decision: "allow" }
  const credentials = { username: `nobody-${dice.word(5)}`, password: dice.word(12) }
  const headers = { origin: world.issuer, "sec-fetch-site": "same-origin", ...(cookie === "" ? {} : { cookie }) }
  await send(postForm(path, Object.entries({ ...fields, ...credentials }), headers))
}

/** The link to the first account, which is used already. */
const firstAccount = async ({ dice, send, world }: Scene) => {
  const { pathname, searchParams } = new URL(world.firstAccount)
  const page = await send(get(pathname, [...searchParams]))
  const form = { form: searchParams.get("token") ?? "", username: dice.word(8), password, password_again: password }
  if (page.status !== 0) await send(postForm(pathname, Object.entries(form), { origin: world.issuer }))
}

export const flows: ReadonlyArray<Flow> = [
  { name: "authorize", weight: 16, steps: 4, play: (scene) => authorize(scene) },
  { name: "account", weight: 4, steps: 2, play: account },
  { name: "guess", weight: 2, steps: 2, play: guess },
  { name: "log out", weight: 1, steps: 2, play: logOut },
  { name: "replay form", weight: 4, steps: 1, play: replayForm },
  { name: "first account", weight: 1, steps: 2, play: firstAccount }
]
