/** The variables of the environment: their help, and warnings about those that have no effect. */
import * as Effect from "effect/Effect"
import * as ServiceLink from "./ServiceLink.js"
import * as Setting from "./Setting.js"
import * as Settings from "./Settings.js"
import * as Sources from "./Sources.js"

const settings = Settings.all.filter(({ only }) => only !== "File")

/** The variables of the settings that have no option, and their descriptions. */
export const help: ReadonlyArray<readonly [variable: string, description: string]> = settings
  .filter(({ placeholder }) => placeholder === undefined)
  .map((setting) => [Setting.variableOf(setting), Setting.describe(setting)])

/** Lists the variables that are neither a setting nor a service link of Kubernetes. */
export const unknown = (): ReadonlyArray<string> => {
  const known = new Set(settings.map(Setting.variableOf))
  return Object.entries(process.env)
    .filter(([name, value]) => !known.has(name) && !ServiceLink.isOne(name, value ?? ""))
    .map(([name]) => name)
}

/** Warns of variables without effect: misspelt settings, and a value that Kubernetes set. */
export const warnOfIgnored: Effect.Effect<void> = Effect.gen(function* () {
  const ignored = unknown().filter((name) => name.startsWith("LATCHKEY_"))
  if (ignored.length > 0) {
    yield* Effect.annotateLogs(Effect.logWarning("unknown variables ignored"), { variables: ignored.join(" ") })
  }
  for (const setting of settings) {
    const variable = Setting.variableOf(setting)
    if (!Sources.isServiceLink(setting, process.env[variable] ?? "")) continue
    yield* Effect.logWarning(
      `${variable} is a service link of Kubernetes, not a setting, and is ignored: rename the Service, or set enableServiceLinks to false`
    )
  }
})
