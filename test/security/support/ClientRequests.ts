/** Requests with client authentication. */
import type { Client } from "../../flow/support/Server.js"
import type { Target } from "./Target.js"

/** The outcome of a failed authentication. */
export const invalidClient = "401 invalid_client"

/** The endpoints that need client authentication. */
export const endpoints = ["/token", "/revoke", "/introspect"] as const

/** For each endpoint, a request that succeeds for an authenticated client. */
export const good = (path: (typeof endpoints)[number]): Readonly<Record<string, string>> =>
  path === "/token" ? { grant_type: "client_credentials" } : { token: "lk_at_x" }

/** A confidential client that the operator registered. */
export const withSecret = (target: Target, method = "client_secret_basic"): Promise<Client> =>
  target.addClient({ token_endpoint_auth_method: method })
