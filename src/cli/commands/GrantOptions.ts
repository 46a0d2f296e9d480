/** Options that several commands on grants and events have. */
import * as Options from "@effect/cli/Options"

export const ofUser = (description: string) =>
  Options.text("user").pipe(Options.withPseudoName("NAME"), Options.withDescription(description), Options.optional)

export const ofClient = (description: string) =>
  Options.text("client").pipe(Options.withPseudoName("ID"), Options.withDescription(description), Options.optional)

export const json = Options.boolean("json").pipe(Options.withDescription("Print JSON"))
