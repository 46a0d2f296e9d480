/** `latchkey grant list`. */
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Grant from "../../domain/Grant.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import * as GrantView from "../../http/views/GrantView.js"
import * as Lists from "../../services/stores/Lists.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import { json, optional, parsed } from "./CommandOptions.js"
import * as Listing from "./Listing.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

const states: Readonly<Record<string, Grant.Status>> = {
  approved: "Approved",
  active: "Active",
  expired: "Expired",
  revoked: "Revoked"
}

const parseState = (text: string): Effect.Effect<Grant.Status, Failure> => {
  const state = Object.hasOwn(states, text) ? states[text] : undefined
  return state === undefined
    ? badUsage(`--state: give one of ${Object.keys(states).join(", ")}`)
    : Effect.succeed(state)
}

const options = {
  user: optional("user", "NAME", "Only grants of this account; give a deleted account by its id"),
  client: parsed("client", "ID", "Only grants of this client", Lookup.clientId),
  state: parsed(
    "state",
    "STATE",
    "Only grants with this status: approved (the code is not redeemed yet), active, expired or revoked",
    parseState
  ),
  limit: parsed("limit", "N", "Maximum number of grants (default: all)", Lookup.limit),
  json
}

/** A grant, its current state, and the name of its account. */
interface Listed {
  readonly grant: Grant.Grant
  readonly state: Grant.Status
  readonly name: string
}

const toLine = ({ grant: { terms }, name, state }: Listed): string =>
  [
    DateTime.formatIso(terms.approvedAt),
    terms.id,
    state.toLowerCase().padEnd(8),
    name,
    terms.clientId,
    Scope.format(ResourceScopes.scope(terms.granted))
  ].join("  ")

const toObject = ({ grant, name, state }: Listed) => GrantView.fromGrant(grant, state, name)

export const list = WithServices.command(
  "list",
  "List the grants, oldest first. It shows the time, id, status, account, client and scope of each",
  options,
  ({ client, json, limit, state, user }) =>
    Effect.gen(function* () {
      const subject = Option.getOrUndefined(yield* Effect.transposeMapOption(user, (name) => Lookup.subject(name)))
      const nameOf = yield* Lookup.names
      const statusOf = Grant.statusAt(yield* DateTime.now)
      const grants = Lists.grants({ subject, clientId: Option.getOrUndefined(client) }).pipe(
        Stream.map((grant) => ({ grant, state: statusOf(grant) })),
        Stream.filter((one) => Option.isNone(state) || one.state === state.value),
        Stream.take(Option.getOrElse(limit, () => Number.MAX_SAFE_INTEGER)),
        Stream.mapChunksEffect((page) =>
          Effect.map(
            Effect.forEach(page, (one) => Effect.map(nameOf(one.grant.terms.subject), (name) => ({ ...one, name }))),
            Chunk.fromIterable
          )
        )
      )
      yield* Listing.print(json, grants, { toObject, toLine, empty: "there is no such grant" })
    })
)
