/** The arguments and options of the commands on clients. */
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import { readKeys, readScope } from "./ClientMetadataInput.js"
import { flag, optional, parsed, text } from "./CommandOptions.js"

export const name = text("name", "NAME", "Name that users see on the consent page")

const noTexts: ReadonlyArray<string> = []

export const redirectUris = text("redirect-uri", "URI", "Redirect URI; repeatable").pipe(
  Options.repeated,
  Options.withDefault(noTexts)
)

export const confidential = flag(
  "confidential",
  "Give the client a secret: for a program on a server, not on a user's device"
)

export const grants = (description: string) =>
  text("grant", "GRANT_TYPE", description).pipe(Options.repeated, Options.withDefault(noTexts))

export const scope = parsed(
  "scope",
  "SCOPE",
  'Scope that the client may request, such as "notes:read notes:write"',
  readScope
)

export const jwks = parsed(
  "jwks",
  "FILE",
  "File with the public keys of the client, as a JWK Set or one JWK; for --auth-method private_key_jwt",
  readKeys
)

export const jwksUri = optional("jwks-uri", "URL", "https URL where the client publishes its keys, instead of --jwks")

/** The argument that names a client. */
export const id = Args.text({ name: "ID" }).pipe(Args.withDescription("client_id, as latchkey client list shows it"))

export const json = flag("json", "Print JSON, with the member names of RFC 7591")
