/** Finds the resource of a guard, or names the resources that exist. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import * as SimilarName from "../../domain/SimilarName.js"
import { Resources } from "../../services/resources/Resources.js"
import { ServerSettings } from "../../services/ServerSettings.js"

/** The guard's resource is not a URL, does not exist although it must, or is not named although there are several. */
export class UnknownResource extends Data.TaggedError("UnknownResource")<{ readonly message: string }> {}

/** A guarded resource. Its URI never changes; the resource may be created and deleted. */
export interface GuardedResource {
  readonly uri: Resource.ResourceIndicator
  /** Returns the current resource; `undefined` while it does not exist. */
  readonly current: Effect.Effect<Resource.Resource | undefined, TemporarilyUnavailable>
  /** Whether the resource is in the settings, so that it never changes. */
  readonly isConfigured: boolean
}

/** The guard whose resource is looked up. */
export interface Seeker {
  /** The name by which the app knows the guard, for messages, such as `makeGuard`. */
  readonly guard: string
  /** The option `resource` of the guard. */
  readonly name: string | undefined
  /** Whether a missing resource is an error. Otherwise the guard waits for it (ADR 17). */
  readonly mustExist: boolean
}

/** Maximum number of resources that a message names. */
const maxNamed = 10

const declare = "declare it in the option `resources`, or create it with `latchkey resource create`"

/** Returns a sentence that names the resources; `uris` is `undefined` if the storage does not answer. */
const sentence = (uris: ReadonlyArray<string> | undefined): string => {
  if (uris === undefined) return "The storage does not answer."
  if (uris.length === 0) return "The settings and the storage have no resource."
  const more = uris.length > maxNamed ? ` and ${uris.length - maxNamed} more` : ""
  return `The settings and the storage have ${uris.slice(0, maxNamed).join(", ")}${more}.`
}

/** Finds the resource of a guard. A storage that does not answer does not keep the app from starting. */
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
        message: `${guard} guards ${name}, which is not the URL of a resource. ${sentence(uris)}${question} Set the option \`resource\`.`
      })
    }
    if (uris !== undefined) {
      const advice = `Set the option \`resource\` to one that exists, or ${declare}.`
      const message = `${guard} guards ${name}, which does not exist. ${sentence(uris)}${question} ${advice}`
      if (mustExist) return yield* new UnknownResource({ message })
      yield* Effect.annotateLogs(Effect.logWarning("a guarded resource does not exist, so no request passes"), {
        resource: uri.value,
        ...(similar === undefined ? {} : { similar })
      })
    }
    return kept(uri.value)
  })

/** Returns the resource of a list that has exactly one. */
const sole = (resources: ReadonlyArray<Resource.Resource>): Resource.Resource | undefined =>
  resources.length === 1 ? resources[0] : undefined
