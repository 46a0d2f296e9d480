/** `latchkey grant list`: reads and prints a page at a time, so that it needs little memory for a million grants. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Grant from "../../domain/Grant.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import * as GrantView from "../../http/views/GrantView.js"
import * as Lists from "../../services/stores/Lists.js"
import * as Target from "../settings/Target.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as GrantOptions from "./GrantOptions.js"
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
  user: GrantOptions.ofUser("Only grants of this account; give a deleted account by its id"),
  client: GrantOptions.ofClient("Only grants of this client"),
  state: Options.text("state").pipe(
    Options.withPseudoName("STATE"),
    Options.withDescription(
      "Only grants with this status: approved (the code is not redeemed yet), active, expired or revoked"
    ),
    Options.optional
  ),
  limit: Options.text("limit").pipe(
    Options.withPseudoName("N"),
    Options.withDescription("Maximum number of grants (default: all)"),
    Options.optional
  ),
  json: GrantOptions.json,
  ...Target.forCommand
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

/** Prints a text, and waits until it is written. */
const print = (text: string) => Effect.zipRight(Output.print(text), Output.written)

/** Stops when the reader of the output closes it. */
const untilClosed = <E, R>(self: Effect.Effect<void, E, R>) => Effect.raceFirst(self, Output.closed)

/** Returns the pages of the store that are not empty. */
const pages = <A, E, R>(grants: Stream.Stream<A, E, R>) =>
  Stream.filter(Stream.chunks(grants), (page) => page.length > 0)

/** Prints the array as `Output.toJson` does, but a page at a time: a page is printed when the next one is known. */
const printArray = <E, R>(grants: Stream.Stream<Listed, E, R>) => {
  const toText = ({ grant, name, state }: Listed) =>
    Output.toJson(GrantView.fromGrant(grant, state, name)).replace(/^/gm, "  ")
  return pages(grants).pipe(
    Stream.runFoldEffect("", (held, page) =>
      Effect.as(print(held === "" ? "[" : `${held},`), Array.from(page, toText).join(",\n"))
    ),
    Effect.flatMap((held) => print(held === "" ? "[]" : `${held}\n]`))
  )
}

const printLines = <E, R>(grants: Stream.Stream<Listed, E, R>) =>
  pages(grants).pipe(
    Stream.runFoldEffect(false, (_, page) => Effect.as(print(Array.from(page, toLine).join("\n")), true)),
    Effect.flatMap((isAny) => (isAny ? Effect.void : Output.complain("there is no such grant")))
  )

export const list = Command.make("list", options, ({ client, json, limit, state, user, ...flags }) =>
  Effect.gen(function* () {
    const clientId = yield* Lookup.optional(client, Lookup.clientId)
    const maximum = yield* Lookup.optional(limit, Lookup.limit)
    const wanted = yield* Lookup.optional(state, parseState)
    yield* WithServices.onExisting(flags, () =>
      Effect.gen(function* () {
        const subject = yield* Lookup.optional(user, Lookup.subject)
        const nameOf = yield* Lookup.names
        const statusOf = Grant.statusAt(yield* DateTime.now)
        const grants = Lists.grants({ subject, clientId }).pipe(
          Stream.map((grant) => ({ grant, state: statusOf(grant) })),
          Stream.filter((one) => wanted === undefined || one.state === wanted),
          Stream.take(maximum ?? Number.MAX_SAFE_INTEGER),
          Stream.mapChunksEffect((page) =>
            Effect.map(
              Effect.forEach(page, (one) => Effect.map(nameOf(one.grant.terms.subject), (name) => ({ ...one, name }))),
              Chunk.fromIterable
            )
          )
        )
        yield* untilClosed(json ? printArray(grants) : printLines(grants))
      })
    )
  })
).pipe(
  Command.withDescription(
    "List the grants, oldest first. It shows the time, id, status, account, client and scope of each"
  )
)
