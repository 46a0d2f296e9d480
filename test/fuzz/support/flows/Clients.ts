/** Clients that register themselves (RFC 7591), and what they send to prove who they are. */
import { member } from "../Answer.js"
import type { Dice } from "../Dice.js"
import { basic, type Pairs, postForm, type Request, sendJson } from "../Request.js"
import * as Values from "../Values.js"
import type { Client, Flow, Scene } from "../World.js"

const redirectUris = [
  "https://client.example/callback",
  "https://client.example/callback?tenant=1",
  "http://127.0.0.1:8123/callback",
  "http://localhost/callback",
  "http://[::1]:9/cb"
]

const methods = ["none", "client_secret_basic", "client_secret_post"] as const

const names = ["Test client", "Ünïcode klient", "客户端", "a".repeat(80), '<b>Bold & "quoted"</b>']

const metadata = (dice: Dice) => ({
  client_name: dice.chance(15) ? Values.text(dice) : dice.pick(names),
  redirect_uris: [dice.pick(redirectUris)],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: dice.pick(methods),
  ...(dice.chance(30) ? { client_uri: "https://client.example", scope: "notes:read" } : {}),
  ...(dice.chance(15)
    ? { logo_uri: "javascript:alert(1)", contacts: ["a@client.example"], software_id: dice.word(8) }
    : {})
})

/** Registers a client; `undefined` where it was refused. */
export const register = async ({ dice, send, world }: Scene): Promise<Client | undefined> => {
  const wanted = metadata(dice)
  const answer = await send(sendJson("POST", "/register", wanted))
  const id = member(answer, "client_id")
  if (answer.status !== 201 || id === undefined) return undefined
  const client = {
    id,
    secret: member(answer, "client_secret"),
    method: methods.find((method) => method === member(answer, "token_endpoint_auth_method")) ?? "none",
    redirectUri: wanted.redirect_uris[0] ?? ""
  }
  world.clients.put(client)
  return client
}

/** A client that registered before, or now. */
export const some = async (scene: Scene): Promise<Client | undefined> =>
  scene.dice.chance(90) ? (scene.world.clients.peek(scene.dice) ?? register(scene)) : register(scene)

/** A form that a client posts, with what proves who it is. */
export const ask = (path: string, { id, method, secret = "" }: Client, fields: Pairs): Request => {
  switch (method) {
    case "client_secret_basic":
      return postForm(path, fields, { authorization: basic(id, secret) })
    case "client_secret_post":
      return postForm(path, [...fields, ["client_id", id], ["client_secret", secret]])
    case "none":
      return postForm(path, [...fields, ["client_id", id]])
  }
}

export const flow: Flow = { name: "register", weight: 5, steps: 1, play: register }
