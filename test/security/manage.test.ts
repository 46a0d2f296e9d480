/** The catalogue: a client that manages its own registration (RFC 7592). */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { ClientId } from "../../src/domain/Client.js"
import { Clients } from "../../src/services/clients/Clients.js"
import { type Client, outcome, redirectUri } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { accepted } from "./support/Register.js"
import type { Target } from "./support/Target.js"

const { check, control } = family()

const own = {
  redirect_uris: [redirectUri],
  token_endpoint_auth_method: "none",
  grant_types: ["authorization_code", "refresh_token"],
  client_name: "Notes"
}

interface Registered extends Client {
  readonly token_endpoint_auth_method: string
  readonly registration_access_token: string
  readonly registration_client_uri: string
}

const registered = (target: Target, changes: object = {}) =>
  accepted(target, { ...own, ...changes }) as Promise<unknown> as Promise<Registered>

const pathOf = ({ client_id }: Pick<Registered, "client_id">) => `/register/${client_id}`

const manage = (target: Target, method: string, path: string, token: string | undefined, body?: unknown) =>
  target.http({
    method,
    path,
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" })
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })

/** Sends a request of a client for its registration. */
const send = (target: Target, client: Registered, method: string, body?: unknown) =>
  manage(target, method, pathOf(client), client.registration_access_token, body)

/** The request of a client that changes some members. */
const update = (target: Target, client: Registered, changes: object) =>
  send(target, client, "PUT", { ...own, client_id: client.client_id, ...changes })

check("MANAGE-01", "only the token of the client's own registration opens it", async (target) => {
  const [client, other] = [await registered(target), await registered(target)]
  const tokens = await target.tokens(client)
  const wrong = ["wrong", other.registration_access_token, tokens.access_token, tokens.refresh_token]
  const bodies = new Set<string>()
  for (const path of [pathOf(client), pathOf({ client_id: "unknown" })]) {
    for (const token of wrong) {
      const answer = await manage(target, "GET", path, token)
      expect(answer.status).toBe(401)
      expect(answer.header("www-authenticate")).toMatch(/^Bearer realm="[^"]+", error="invalid_token"/)
      bodies.add(answer.body)
    }
  }
  expect(bodies.size).toBe(1)
  const missing = await manage(target, "GET", pathOf(client), undefined)
  expect(missing.status).toBe(401)
  expect(missing.header("www-authenticate")).not.toContain("error")
  const query = `${pathOf(client)}?access_token=${client.registration_access_token}`
  expect((await manage(target, "GET", query, undefined)).status).toBe(401)
})

check("MANAGE-02", "a client reads its registration, which is not cached and has no secret", async (target) => {
  const client = await registered(target, { token_endpoint_auth_method: "client_secret_basic" })
  const answer = await send(target, client, "GET")
  expect(answer.status).toBe(200)
  expect(answer.header("cache-control")).toBe("no-store")
  const { client_secret: _, ...rest } = client as Registered & { readonly client_secret: string }
  expect(answer.json()).toEqual(rest)
})

check("MANAGE-03", "an update replaces all members, and names none that the server chooses", async (target) => {
  const client = await registered(target, { client_uri: "https://client.example/", contacts: ["ada@client.example"] })
  const { contacts, client_name, client_uri } = (await update(target, client, { client_name: undefined })).json()
  expect([contacts, client_name, client_uri]).toEqual([undefined, undefined, undefined])
  for (const [name, value] of [
    ["registration_access_token", client.registration_access_token],
    ["registration_client_uri", client.registration_client_uri],
    ["client_id_issued_at", 1],
    ["client_secret_expires_at", 0]
  ] as const) {
    expect((await update(target, client, { [name]: value })).status, name).toBe(400)
  }
})

check("MANAGE-04", "an update gives a client nothing that a registration would not", async (target) => {
  const [client, other] = [await registered(target), await registered(target)]
  for (const changes of [
    { client_id: other.client_id },
    { client_secret: "chosen" },
    { redirect_uris: ["http://evil.example/cb"] },
    { grant_types: ["client_credentials"] },
    { redirect_uris: ["notes:/cb"], token_endpoint_auth_method: "client_secret_basic" }
  ]) {
    expect((await update(target, client, changes)).status, JSON.stringify(changes)).toBe(400)
  }
  const before = (await send(target, client, "GET")).json()
  expect((await update(target, client, { scope: "latchkey:admin" })).json().scope).toBe(before.scope)
  const confidential = await update(target, client, { token_endpoint_auth_method: "client_secret_basic" })
  expect(confidential.json().client_secret).toMatch(/^lk_cs_/)
  await target.run(Effect.flatMap(Clients, ({ disable }) => disable(ClientId.make(client.client_id))))
  for (const method of ["GET", "DELETE"]) expect((await send(target, client, method)).status).toBe(403)
  expect((await update(target, client, {})).status).toBe(403)
})

check("MANAGE-05", "a deleted client, its token, its code and its grants are dead at once", async (target) => {
  const client = await registered(target)
  const [tokens, code] = [await target.tokens(client), await target.code(client)]
  const answer = await send(target, client, "DELETE")
  expect(answer.status).toBe(204)
  expect((await target.call(tokens.access_token)).status).toBe(401)
  expect(await outcome(target.refresh(client, tokens.refresh_token))).toBe("401 invalid_client")
  expect(await outcome(target.redeem(client, code))).toBe("401 invalid_client")
  for (const method of ["GET", "DELETE"]) expect((await send(target, client, method)).status).toBe(401)
})

check("MANAGE-06", "a path that names no client, or leads elsewhere, opens no registration", async (target) => {
  const client = await registered(target)
  const token = client.registration_access_token
  for (const id of ["", "../register", "%2e%2e", "..%2f", `x/../${client.client_id}`, `${client.client_id}%00`]) {
    expect((await manage(target, "GET", `/register/${id}`, token)).status, id).toBe(401)
  }
})

check("MANAGE-07", "the configuration endpoint refuses other methods", async (target) => {
  const client = await registered(target)
  for (const method of ["POST", "PATCH"]) {
    const answer = await send(target, client, method)
    expect(answer.status).toBe(405)
    expect(answer.header("allow")).toBe("GET, HEAD, PUT, DELETE, OPTIONS")
  }
})

check(
  "MANAGE-08",
  "concurrent updates and deletions leave one state, and no deleted client comes back",
  async (target) => {
    const client = await registered(target)
    const names = Array.from({ length: 8 }, (_, i) => `Notes ${i}`)
    const updates = await Promise.all(names.map((client_name) => update(target, client, { client_name })))
    expect(updates.map(({ status }) => status)).toEqual(names.map(() => 200))
    expect(names).toContain((await send(target, client, "GET")).json().client_name)
    const [deleted, ...others] = await Promise.all([
      send(target, client, "DELETE"),
      ...names.map((client_name) => update(target, client, { client_name: `${client_name}!` }))
    ])
    expect(deleted?.status).toBe(204)
    for (const { status } of others) expect([200, 401]).toContain(status)
    expect((await send(target, client, "GET")).status).toBe(401)
  }
)

control("MANAGE-03", "against a server that takes the members that it chooses", {
  mutation: {
    request: (request) => {
      if (request.method !== "PUT") return request
      const {
        client_id_issued_at: _,
        client_secret_expires_at: __,
        registration_access_token: ___,
        registration_client_uri: ____,
        ...rest
      } = JSON.parse(request.body)
      return { ...request, body: JSON.stringify(rest) }
    }
  }
})
