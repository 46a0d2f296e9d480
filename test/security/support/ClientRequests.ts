/** Requests in which a client proves who it is. */
import type { Client } from "../../flow/support/Server.js"
import type { Target } from "./Target.js"

/** The outcome where it did not. */
export const invalidClient = "401 invalid_client"

/** The endpoints that ask for it. */
export const endpoints = ["/token", "/revoke", "/introspect"] as const

/** A request that each endpoint answers well to a client which has proved who it is. */
export const good = (path: (typeof endpoints)[number]): Readonly<Record<string, string>> =>
  path === "/token" ? { grant_type: "client_credentials" } : { token: "lk_at_x" }

/** A client of the operator's that keeps a secret. */
export const withSecret = (target: Target, method = "client_secret_basic"): Promise<Client> =>
  target.addClient({ token_endpoint_auth_method: method })
