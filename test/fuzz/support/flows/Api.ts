/** The account API and the admin API. What an operator deletes here was made by the same case. */
import { member } from "../Answer.js"
import { get, type Pairs, type Request, sendJson } from "../Request.js"
import * as Values from "../Values.js"
import type { Flow, Scene } from "../World.js"

const bearer = (token: string | undefined) => ({ authorization: `Bearer ${token ?? "lk_at_none"}` })

const del = (path: string, query: Pairs, headers: Readonly<Record<string, string>>): Request => ({
  ...get(path, query, headers),
  method: "DELETE"
})

/** An id that exists, or nothing like one. */
const someId = ({ dice, world }: Scene): string =>
  dice.chance(50) ? (dice.pick([...world.held.keys(), "nobody"]) ?? "") : encodeURIComponent(Values.text(dice))

const account = async (scene: Scene) => {
  const { dice, send, world } = scene
  const own = world.access.all.filter(({ resource }) => resource.endsWith("/api"))
  const headers = bearer(own.length > 0 && dice.chance(90) ? dice.pick(own).token : world.access.peek(dice)?.token)
  const path = dice.pick(["/api/account", "/api/account/apps", "/api/account/sessions"])
  if (dice.chance(70)) await send(get(path, [], headers))
  else await send(del(`${path}/${someId(scene)}`, [], headers))
}

const adminReads = (scene: Scene): Request => {
  const { dice } = scene
  const path = dice.pick([
    "users",
    "clients",
    "resources",
    "grants",
    "events",
    "keys",
    `grants/${someId(scene)}`,
    `clients/${someId(scene)}`,
    `users/${someId(scene)}`
  ])
  const names = ["limit", "after", "user", "client", "grant", "username"]
  const query: Pairs = dice.chance(50)
    ? []
    : [[dice.pick(names), dice.chance(40) ? String(dice.int(1000) - 10) : Values.text(dice)]]
  return get(`/api/admin/${path}`, query)
}

const withToken = (scene: Scene, request: Request): Request => {
  const { dice, world } = scene
  const token = dice.chance(92) ? world.adminTokens.peek(dice) : world.access.peek(dice)?.token
  return { ...request, headers: [...request.headers, ["authorization", `Bearer ${token ?? "lk_at_none"}`]] }
}

const adminRead = async (scene: Scene) => {
  await scene.send(withToken(scene, adminReads(scene)))
}

/** Makes something, changes it, and deletes it. */
const adminWrites = async (scene: Scene, path: string, value: object, id: string, changes: ReadonlyArray<string>) => {
  const { dice, send } = scene
  const made = member(await send(withToken(scene, sendJson("POST", path, value))), id)
  if (made === undefined) return
  const place = `${path}/${encodeURIComponent(made)}`
  if (changes.length > 0) await send(withToken(scene, sendJson("POST", `${place}/${dice.pick(changes)}`, {})))
  await send(withToken(scene, del(id === "uri" ? path : place, id === "uri" ? [["uri", made]] : [], {})))
}

const users = (scene: Scene) => {
  const username = scene.dice.chance(80) ? `user-${scene.dice.word(8)}` : Values.text(scene.dice)
  return adminWrites(scene, "/api/admin/users", { username, password: scene.dice.word(16) }, "id", [
    "disable",
    "enable"
  ])
}

const clients = (scene: Scene) =>
  adminWrites(
    scene,
    "/api/admin/clients",
    { client_name: scene.dice.word(6), redirect_uris: ["https://client.example/callback"], scope: "notes:read" },
    "client_id",
    ["disable", "enable", "secret"]
  )

const resources = (scene: Scene) =>
  adminWrites(
    scene,
    "/api/admin/resources",
    {
      uri: `https://resource.example/${scene.dice.word(8)}`,
      scopes: { read: "Read" },
      introspects: scene.dice.chance(50)
    },
    "uri",
    []
  )

export const flows: ReadonlyArray<Flow> = [
  { name: "account api", weight: 5, steps: 1, play: account },
  { name: "admin api reads", weight: 5, steps: 1, play: adminRead },
  { name: "admin api users", weight: 1, steps: 3, play: users },
  { name: "admin api clients", weight: 2, steps: 3, play: clients },
  { name: "admin api resources", weight: 2, steps: 2, play: resources }
]
