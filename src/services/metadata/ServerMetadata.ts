/**
 * The metadata of the authorization server (RFC 8414 §2). Each endpoint adds its members when its layer is built, so the
 * document advertises only endpoints that answer.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import { GrantTypes } from "../GrantTypes.js"
import { Resources } from "../resources/Resources.js"
import { ServerSettings } from "../ServerSettings.js"

/** The members of the document, under the names of RFC 8414 §2. */
export type Members = Readonly<Record<string, string | boolean | ReadonlyArray<string>>>

export class ServerMetadata extends Context.Tag("latchkey/ServerMetadata")<
  ServerMetadata,
  {
    readonly add: (members: Members) => Effect.Effect<void>
    /** Returns the present document, without empty lists (RFC 8414 §2). */
    readonly document: Effect.Effect<Members, TemporarilyUnavailable>
    /** As `document`, without an effect; `undefined` if only `document` can tell. `now` is the time in milliseconds. */
    readonly peek: (now: number) => Members | undefined
  }
>() {}

const make = Effect.gen(function* () {
  const grantTypes = yield* GrantTypes
  const { issuer } = yield* ServerSettings
  const resources = yield* Resources
  let added: Members = {}
  let last: Made | undefined
  /** Returns the same document as long as nothing changes, so that its text is made once. */
  const documentOf = (known: ReadonlyArray<Resource.Resource>): Members => {
    const names = grantTypes.names()
    if (last?.added === added && last.names === names && last.known === known) return last.document
    const members: Members = {
      issuer,
      ...added,
      grant_types_supported: names,
      scopes_supported: Array.from(Resource.offered(Resource.listed(known)))
    }
    const document = Object.fromEntries(
      Object.entries(members).filter(([, value]) => !Array.isArray(value) || value.length > 0)
    )
    last = { added, names, known, document }
    return document
  }
  return ServerMetadata.of({
    add: (members) =>
      Effect.sync(() => {
        added = { ...added, ...members }
      }),
    document: Effect.map(resources.all, documentOf),
    peek: (now) => {
      const known = resources.peek(now)
      return known === undefined ? undefined : documentOf(known)
    }
  })
})

/** A document, and what it was made of. */
interface Made {
  readonly added: Members
  readonly names: ReadonlyArray<string>
  readonly known: ReadonlyArray<Resource.Resource>
  readonly document: Members
}

export const layer = Layer.effect(ServerMetadata, make)
