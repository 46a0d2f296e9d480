/** Finds the resource that a guard means, or says which there are. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import * as SimilarName from "../../domain/SimilarName.js"
import { Resources } from "../../services/resources/Resources.js"
import { ServerSettings } from "../../services/ServerSettings.js"

/** The guard's resource is no URL, does not exist where it has to, or is not named where there are several. */
export class UnknownResource extends Data.TaggedError("UnknownResource")<{ readonly message: string }> {}

/** What is guarded: its URI never changes, while it may come and go. */
export interface GuardedResource {
  readonly uri: Resource.ResourceIndicator
  /** The resource as it is now; `undefined` while there is none. */
  readonly current: Effect.Effect<Resource.Resource | undefined, TemporarilyUnavailable>
  /** Whether the settings hold it, so that it stays as it is. */
  readonly isConfigured: boolean
}

/** A guard that looks for its resource. */
export interface Seeker {
  /** What the app calls the guard, for messages: `makeGuard`. */
  readonly guard: string
  /** The option `resource` of the guard. */
  readonly name: string | undefined
  /** Whether a resource that does not exist is an error; otherwise the guard waits for it (ADR 17). */
  readonly mustExist: boolean
}

/** Maximum number of resources that a message names. */
const maxNamed = 10

const declare = "declare it in the option `resources`, or make it with `latchkey resource create`"

/** The resources that there are, as a sentence; `undefined` where the storage does not answer. */
const sentence = (uris: ReadonlyArray<string> | undefined): string => {
  if (uris === undefined) return "The storage does not answer."
  if (uris.length === 0) return "The settings and the storage have no resource."
  const more = uris.length > maxNamed ? ` and ${uris.length - maxNamed} more` : ""
  return `The settings and the storage have ${uris.slice(0, maxNamed).join(", ")}${more}.`
}

/** Finds the resource that a guard means. A storage that does not answer now is no reason not to start. */
export const find = ({
  guard,
  mustExist,
  name
}: Seeker): Effect.Effect<GuardedResource, UnknownResource, ServerSettings | Resources> =>
  Effect.gen(function* () {
    const { resources: configured } = yield* ServerSettings
    const inSettings = name === undefined ? sole(configured) : Resource.find(configured, name)
    if (inSettings !== undefined) {
      return { uri: inSettings.uri, current: Effect.succeed(inSettings), isConfigured: true }
    }

    const { all } = yield* Resources
    const known = Option.getOrUndefined(yield* Effect.option(all))
    const kept = (uri: Resource.ResourceIndicator): GuardedResource => ({
      uri,
      current: Effect.map(all, (now) => now.find((resource) => resource.uri === uri)),
      isConfigured: false
    })
    const uris = known === undefined ? undefined : Resource.listed(known).map(({ uri }) => uri)

    if (name === undefined) {
      const only = known === undefined || configured.length > 0 ? undefined : sole(Resource.listed(known))
      if (only !== undefined) return kept(only.uri)
      const advice =
        uris?.length === 0
          ? `Name the resource in the option \`resource\`, and ${declare}.`
          : "Name one of them in the option `resource`."
      return yield* new UnknownResource({
        message: `${guard} does not say which resource it guards. ${sentence(uris)} ${advice}`
      })
    }

    const found = known === undefined ? undefined : Resource.find(known, name)
    if (found !== undefined) return kept(found.uri)
    const similar = SimilarName.nearest(name, uris ?? [])
    const question = similar === undefined ? "" : ` Did you mean ${similar}?`
    const uri = Schema.decodeOption(Resource.ResourceIndicator)(name)
    if (Option.isNone(uri)) {
      return yield* new UnknownResource({
        message: `${guard} guards ${name}, which is not a resource's URL. ${sentence(uris)}${question} Set the option \`resource\`.`
      })
    }
    if (uris !== undefined) {
      const advice = `Set the option \`resource\` to one that exists, or ${declare}.`
      const message = `${guard} guards ${name}, which does not exist. ${sentence(uris)}${question} ${advice}`
      if (mustExist) return yield* new UnknownResource({ message })
      yield* Effect.annotateLogs(Effect.logWarning("a guarded resource does not exist, so nobody passes"), {
        resource: uri.value,
        ...(similar === undefined ? {} : { similar })
      })
    }
    return kept(uri.value)
  })

/** The one resource of a list that has no other. */
const sole = (resources: ReadonlyArray<Resource.Resource>): Resource.Resource | undefined =>
  resources.length === 1 ? resources[0] : undefined
