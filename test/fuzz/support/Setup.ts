/** Makes the world of a run: the operator's client, accounts, clients and tokens, by requests that are not mutated. */
import * as Cli from "../../support/Cli.js"
import type { Secrets } from "../../support/Secrets.js"
import { member } from "./Answer.js"
import * as Clients from "./flows/Clients.js"
import { authorize } from "./flows/Person.js"
import { sendJson } from "./Request.js"
import { formWith, Visitor } from "./Visitor.js"
import { password, type Scene, usernames, World } from "./World.js"

/** The operator's client: it acts for itself, and may run the server. */
const makeOperator = async (server: Cli.Server) => {
  const made = await Cli.run(
    [
      ...["client", "create", "--name", "Operator", "--confidential", "--grant", "client_credentials"],
      ...["--scope", "latchkey:admin", "--json"]
    ],
    { server }
  )
  if (made.code !== 0) throw new Error(`the operator's client was not made: ${made.stderr}`)
  const { client_id, client_secret } = JSON.parse(made.stdout) as {
    readonly client_id: string
    readonly client_secret: string
  }
  return { id: client_id, secret: client_secret, method: "client_secret_basic" as const, redirectUri: "" }
}

export const makeWorld = async (server: Cli.Server, secrets: Secrets): Promise<World> => {
  const operator = await makeOperator(server)
  secrets.add("client secret", operator.secret)
  secrets.add("password", password)
  const world = new World(server.url, secrets, operator)
  world.firstAccount = await Cli.firstAccountLink(server)
  return world
}

/** Fills the world with what most cases begin with. */
export const populate = async (scene: Scene): Promise<void> => {
  const { send, world } = scene
  const [first, ...others] = usernames
  const visitor = new Visitor(first)
  const { pathname, searchParams } = new URL(world.firstAccount)
  const form = formWith((await visitor.open(scene, pathname, [...searchParams])).body, "username")
  if (form === undefined) throw new Error("there is no form for the first account")
  await visitor.submit(scene, form, { username: first, password, password_again: password })

  const fields = [
    ["grant_type", "client_credentials"],
    ["scope", "latchkey:admin"]
  ] as const
  const token = member(await send(Clients.ask("/token", world.operator, fields)), "access_token")
  if (token === undefined) throw new Error("the operator's client got no token")
  world.adminTokens.put(token)
  for (const username of others) {
    const made = await send(
      sendJson("POST", "/api/admin/users", { username, password }, { authorization: `Bearer ${token}` })
    )
    if (made.status !== 201) throw new Error(`${username} was not made: ${made.status} ${made.body}`)
  }
  for (let left = 4; left > 0; left--) await authorize(scene, await Clients.register(scene))
  if (world.codes.all.length === 0) throw new Error("no authorization request ended with a code")
}
