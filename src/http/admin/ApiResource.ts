/** The API as a protected resource: one of the server's own, which has to be asked for (RFC 8707). */
import * as Schema from "effect/Schema"
import type { Issuer } from "../../domain/Issuer.js"
import * as Resource from "../../domain/Resource.js"

/** Lets a person's program see and take back what that person allows. */
export const accountScope = "latchkey:account"

/** Lets a program of the operator's run the server; never given to a person's (RFC 6749 §4.4). */
export const adminScope = "latchkey:admin"

export const make = (issuer: Issuer) => ({
  uri: Schema.decodeSync(Resource.ResourceIndicator)(`${issuer}/api`),
  name: "Your account here",
  scopes: {
    [accountScope]: "See what you allowed and where you are logged in, and end it",
    [adminScope]: "Run this server: its users, clients, resources and grants"
  },
  builtIn: { clientsOnly: new Set([adminScope]) }
})
