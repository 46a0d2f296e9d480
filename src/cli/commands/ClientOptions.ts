/** The arguments and options of the commands on clients. */

import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import * as Target from "../settings/Target.js"

export const name = Options.text("name").pipe(
  Options.withPseudoName("NAME"),
  Options.withDescription("Name that users see on the consent page")
)

export const redirectUris = Options.text("redirect-uri").pipe(
  Options.withPseudoName("URI"),
  Options.withDescription("Redirect URI; repeatable"),
  Options.repeated,
  Options.withDefault<ReadonlyArray<string>>([])
)

export const confidential = Options.boolean("confidential").pipe(
  Options.withDescription("Give the client a secret: for a program on a server, not on a user's device")
)

export const grants = (description: string) =>
  Options.text("grant").pipe(
    Options.withPseudoName("GRANT_TYPE"),
    Options.withDescription(description),
    Options.repeated,
    Options.withDefault<ReadonlyArray<string>>([])
  )

export const scope = Options.text("scope").pipe(
  Options.withPseudoName("SCOPE"),
  Options.withDescription('Scope that the client may request, such as "notes:read notes:write"'),
  Options.optional
)

/** The argument that names a client. */
export const id = Args.text({ name: "ID" }).pipe(Args.withDescription("client_id, as latchkey client list shows it"))

/** The options of the commands that print clients. */
export const common = {
  json: Options.boolean("json").pipe(Options.withDescription("Print JSON, with the member names of RFC 7591")),
  ...Target.forCommand
}
