/** The operator with the admin API: creates and deletes users, and deletes clients. */
import type { Client, Clients } from "./Clients.js"
import { type Cluster, password } from "./Cluster.js"
import type { Outcome, Whose } from "./History.js"

export interface Operator {
  readonly createUser: (name: string) => Promise<string>
  readonly deleteUser: (name: string, id: string) => Promise<Outcome<"Revoke">>
  readonly deleteClient: (client: Client) => Promise<Outcome<"Revoke">>
}

/** Makes the client of the operator and gets its token. */
export const make = async (cluster: Cluster, clients: Clients): Promise<Operator> => {
  const { client_id, client_secret } = JSON.parse(
    await cluster.command([
      ...["client", "create", "--name", "Operator", "--confidential", "--grant", "client_credentials"],
      ...["--scope", "latchkey:admin", "--json"]
    ])
  )
  const answer = await clients.fetch("/token", {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: "latchkey:admin" })
  })
  const { access_token } = (await answer.json()) as { readonly access_token: string }
  const headers = { authorization: `Bearer ${access_token}`, "content-type": "application/json" }

  const remove = (path: string, whose: Whose) =>
    clients.revoke("operator", whose, async () => {
      const { ok, status } = await clients.fetch(path, { method: "DELETE", headers })
      if (ok) return { type: "ok", answer: {} }
      return status >= 500 ? { type: "unknown" } : { type: "fail", error: `${status}` }
    })

  return {
    createUser: async (username) => {
      const body = JSON.stringify({ username, password })
      const made = await clients.fetch("/api/admin/users", { method: "POST", headers, body })
      if (made.status !== 201) throw new Error(`${username} was not made: ${made.status} ${await made.text()}`)
      return ((await made.json()) as { readonly id: string }).id
    },
    deleteUser: (subject, id) => remove(`/api/admin/users/${id}`, { of: "Subject", subject }),
    deleteClient: ({ id }) => remove(`/api/admin/clients/${id}`, { of: "Client", client: id })
  }
}
