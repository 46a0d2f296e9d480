/** CC: the client credentials grant. */
import * as Layer from "effect/Layer"
import { expect } from "vitest"
import { guarded, outcome, type Parameters, tokensOf } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { filesOf, twoResources } from "./support/Resources.js"
import { notesOf, type Target } from "./support/Target.js"

// The notes are for users, which is the default of a route. The files are for clients too.
const { check, control, otherwise } = family({
  resources: twoResources,
  routes: (origin) =>
    Layer.merge(
      guarded("/notes", { resource: notesOf(origin).uri, scopes: ["notes:read"] }),
      guarded("/files", { resource: filesOf(origin).uri, scopes: ["files:read"], principals: ["User", "Client"] })
    )
})

const grant = (parameters: Parameters = {}) => ({ grant_type: "client_credentials", ...parameters })

const machine = (target: Target) => target.addClient({ scope: "notes:read files:read" })

check("CC-01", "a public client gets no token of its own", async (target) => {
  const open = await target.addClient({ token_endpoint_auth_method: "none" })
  expect(await outcome(target.token(open, grant()))).toBe("400 unauthorized_client")
  // Nor does any client that registered itself.
  for (const token_endpoint_auth_method of ["none", "client_secret_post"]) {
    const client = await target.register({
      token_endpoint_auth_method,
      grant_types: ["authorization_code", "client_credentials"]
    })
    expect(await outcome(target.token(client, grant()))).toBe("400 unauthorized_client")
  }
})

check("CC-02", "a client's own token has the client as its subject, and no refresh token", async (target) => {
  const client = await target.addClient({
    scope: "files:read",
    grant_types: ["client_credentials", "refresh_token"]
  })
  const answer = await tokensOf(target.token(client, grant()))
  expect(Object.keys(answer)).not.toContain("refresh_token")
  const introspected = await (await target.ask("/introspect", client, { token: answer.access_token })).json()
  expect(introspected).toMatchObject({ active: true, sub: client.client_id, client_id: client.client_id })
  for (const claim of ["name", "username", "email"]) expect(introspected).not.toHaveProperty(claim)
})

otherwise(
  "CC-03",
  "ADR 4: the token itself says whether it is a user's or a client's",
  "the server generates client ids and account ids, and a client's token is not a user's",
  async (target) => {
    const { terms } = await target.grant((await target.code(await target.register())).code)
    const chosen = await target.register({ client_id: terms.subject })
    expect(chosen.client_id).not.toBe(terms.subject)
    const { access_token } = await tokensOf(target.token(await machine(target), grant()))
    expect(await outcome(target.call(access_token, filesOf(target.origin).uri))).toBe("200")
    expect(await outcome(target.call(access_token))).toBe("403 insufficient_scope")
  }
)

check("CC-04", "a client gets only its registered scope, at known resources", async (target) => {
  const client = await machine(target)
  for (const scope of ["openid", "offline_access", "notes:write", "files:read latchkey:admin", "latchkey:admin", '"']) {
    expect(await outcome(target.token(client, grant({ scope }))), scope).toBe("400 invalid_scope")
  }
  for (const resource of ["https://other.example/", `${target.resource}/x`, "notes", [target.resource, "x"]]) {
    expect(await outcome(target.token(client, grant({ resource }))), String(resource)).toBe("400 invalid_target")
  }
  const narrow = await tokensOf(target.token(client, grant({ resource: filesOf(target.origin).uri })))
  expect(narrow.scope).toBe("files:read")
  expect(await outcome(target.call(narrow.access_token))).toBe("401 invalid_token")
})

control("CC-04", "where the requested scope and resource do not reach the server", {
  mutation: {
    request: (sent) => {
      const form = new URLSearchParams(sent.body)
      if (form.get("grant_type") !== "client_credentials") return sent
      form.delete("scope")
      form.delete("resource")
      return { ...sent, body: form.toString() }
    }
  }
})
