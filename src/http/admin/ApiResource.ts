/** The API as a protected resource of the server, which a client must request by name (RFC 8707). */
import * as Schema from "effect/Schema"
import type { Issuer } from "../../domain/Issuer.js"
import * as Resource from "../../domain/Resource.js"

/** Lets a program of a user read and withdraw that user's consents. */
export const accountScope = "latchkey:account"

/** Lets a program of the operator administer the server. The server never grants it to a program of a user (RFC 6749 §4.4). */
export const adminScope = "latchkey:admin"

/** Returns the API of an issuer as a resource. */
export const make = (issuer: Issuer) => ({
  uri: Schema.decodeSync(Resource.ResourceIndicator)(`${issuer}/api`),
  name: "Your account here",
  scopes: {
    [accountScope]: "See what you allowed and where you are logged in, and end it",
    [adminScope]: "Run this server: its users, clients, resources and grants"
  },
  builtIn: { clientsOnly: new Set([adminScope]) }
})
