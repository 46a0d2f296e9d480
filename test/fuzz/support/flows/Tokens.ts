/** The token, revocation and introspection endpoints, with codes and tokens of earlier cases. */
import { type Answer, member } from "../Answer.js"
import { basic, type Pairs, postForm } from "../Request.js"
import * as Values from "../Values.js"
import type { Client, Code, Flow, Scene, Tokens } from "../World.js"
import * as Clients from "./Clients.js"
import { authorize } from "./Person.js"

/** Keeps the tokens of a successful answer. */
const keep = ({ world }: Scene, client: Client, resource: string, answer: Answer): Tokens | undefined => {
  const access = member(answer, "access_token")
  const refresh = member(answer, "refresh_token")
  if (answer.status !== 200 || access === undefined) return undefined
  world.access.put({ token: access, resource })
  if (refresh === undefined) return undefined
  world.hold(client, refresh)
  return { client, resource, access, refresh }
}

const redemption = ({ client, code, resource, verifier }: Code, dice: Scene["dice"]): Pairs => [
  ["grant_type", "authorization_code"],
  ["code", code],
  ["code_verifier", verifier],
  ["redirect_uri", client.redirectUri],
  ...(dice.chance(50) ? [["resource", resource] as const] : [])
]

/** Redeems a code, sometimes twice at once: it is spent once. */
const redeem = async (scene: Scene) => {
  const { dice, report, send, world } = scene
  const code = world.codes.take(dice)
  if (code === undefined) return authorize(scene)
  const request = () => send(Clients.ask("/token", code.client, redemption(code, dice)))
  const answers = await Promise.all(Array.from({ length: dice.chance(25) ? 2 : 1 }, request))
  if (answers.filter(({ status }) => status === 200).length > 1) report("race", "two redemptions of one code succeeded")
  for (const answer of answers) {
    const tokens = keep(scene, code.client, code.resource, answer)
    if (tokens !== undefined) world.tokens.put(tokens)
  }
  return undefined
}

/** Refreshes, sometimes twice at once: both get the same refresh token. */
const refresh = async (scene: Scene) => {
  const { dice, report, send, world } = scene
  const held = world.tokens.take(dice)
  if (held === undefined) return redeem(scene)
  const fields: Pairs = [
    ["grant_type", "refresh_token"],
    ["refresh_token", held.refresh],
    ...(dice.chance(20) ? [["scope", dice.pick(["notes:read", "latchkey:account", "notes:write", ""])] as const] : []),
    ...(dice.chance(20) ? [["resource", held.resource] as const] : [])
  ]
  const request = () => send(Clients.ask("/token", held.client, fields))
  const answers = await Promise.all(Array.from({ length: dice.chance(25) ? 2 : 1 }, request))
  const next = answers.flatMap((answer) => keep(scene, held.client, held.resource, answer) ?? [])
  if (new Set(next.map((tokens) => tokens.refresh)).size > 1) report("race", "one refresh token got two successors")
  const [first] = next
  if (first !== undefined) world.tokens.put(first)
  // A request that was mutated is refused and leaves the token as it was.
  else if (!answers.some((answer) => member(answer, "error") === "invalid_grant")) world.tokens.put(held)
  return undefined
}

/** Presents a refresh token that was superseded long ago: its grant ends. */
const replay = async ({ dice, send, world }: Scene) => {
  const all = [...world.held.values()]
  const [oldest] = all
  if (oldest === undefined) return
  const held = dice.chance(50) ? oldest : dice.pick(all.slice(-50))
  const token = dice.pick([...held.tokens])
  await send(
    Clients.ask("/token", held.client, [
      ["grant_type", "refresh_token"],
      ["refresh_token", token]
    ])
  )
}

const clientCredentials = async ({ dice, send, world }: Scene) => {
  const scope = dice.pick(["latchkey:admin", "latchkey:admin", "notes:read", ""])
  const fields: Pairs = [["grant_type", "client_credentials"], ...(scope === "" ? [] : [["scope", scope] as const])]
  const answer = await send(Clients.ask("/token", world.operator, fields))
  const access = member(answer, "access_token")
  if (answer.status === 200 && access !== undefined && scope === "latchkey:admin") world.adminTokens.put(access)
}

const grantTypes = [
  "password",
  "implicit",
  "urn:ietf:params:oauth:grant-type:device_code",
  "refresh_token",
  "__proto__",
  ""
]

/** Grant types that the server does not know, and known ones without what they need. */
const strangeGrant = async (scene: Scene) => {
  const client = await Clients.some(scene)
  if (client === undefined) return
  const { dice, send } = scene
  const fields: Pairs = [
    ["grant_type", dice.pick(grantTypes)],
    ["username", "ada"],
    ["password", "x"],
    ["code", Values.text(dice)],
    ["refresh_token", Values.text(dice)]
  ]
  await send(Clients.ask("/token", client, fields))
}

/** A token of any kind, as it is or altered. */
const someToken = ({ dice, world }: Scene): string => {
  const token = dice.pick([
    world.tokens.peek(dice)?.access,
    world.access.peek(dice)?.token,
    world.tokens.peek(dice)?.refresh,
    world.codes.peek(dice)?.code,
    world.forms.peek(dice)
  ])
  return token === undefined || dice.chance(20)
    ? Values.text(dice)
    : dice.chance(50)
      ? token
      : Values.altered(token, dice)
}

const hints = [undefined, "access_token", "refresh_token", "nonsense"]

const revoke = async (scene: Scene) => {
  const { dice, send, world } = scene
  // Most of the tokens that are revoked belong to nobody who needs them still.
  const own = dice.chance(25) ? world.tokens.take(dice) : undefined
  const client = own?.client ?? (await Clients.some(scene))
  if (client === undefined) return
  const token = own === undefined ? someToken(scene) : dice.pick([own.access, own.refresh])
  const hint = dice.pick(hints)
  await send(
    Clients.ask("/revoke", client, [
      ["token", token],
      ...(hint === undefined ? [] : [["token_type_hint", hint] as const])
    ])
  )
}

const introspect = async (scene: Scene) => {
  const { dice, send, world } = scene
  const own = world.tokens.peek(dice)
  const client = own?.client.secret === undefined ? world.operator : own.client
  const token = dice.chance(50) && own !== undefined ? own.access : someToken(scene)
  await send(Clients.ask("/introspect", client, [["token", token]]))
}

/** Credentials in two places, in the wrong place, of nobody. */
const strangeClient = async (scene: Scene) => {
  const { dice, send } = scene
  const client = await Clients.some(scene)
  if (client === undefined) return
  const { id, secret = "lk_cs_none" } = client
  const fields: Pairs = [
    ["client_id", dice.chance(50) ? id : Values.text(dice)],
    ["client_secret", secret],
    ["token", "x"]
  ]
  const path = dice.pick(["/token", "/revoke", "/introspect"])
  await send(
    postForm(path, fields, {
      authorization: basic(dice.chance(50) ? id : Values.text(dice), dice.chance(50) ? secret : Values.text(dice))
    })
  )
}

export const flows: ReadonlyArray<Flow> = [
  { name: "redeem", weight: 14, steps: 1, play: redeem },
  { name: "refresh", weight: 14, steps: 1, play: refresh },
  { name: "replay", weight: 2, steps: 1, play: replay },
  { name: "client credentials", weight: 2, steps: 1, play: clientCredentials },
  { name: "strange grant", weight: 2, steps: 1, play: strangeGrant },
  { name: "strange client", weight: 2, steps: 1, play: strangeClient },
  { name: "revoke", weight: 6, steps: 1, play: revoke },
  { name: "introspect", weight: 6, steps: 1, play: introspect }
]
