/** `latchkey grant list`: page by page, so that a million grants need no more memory than five hundred. */
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
import * as ServerOptions from "../settings/ServerOptions.js"
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

const readState = (text: string): Effect.Effect<Grant.Status, Failure> => {
  const state = Object.hasOwn(states, text) ? states[text] : undefined
  return state === undefined
    ? badUsage(`--state: give one of ${Object.keys(states).join(", ")}`)
    : Effect.succeed(state)
}

const options = {
  user: GrantOptions.ofUser("Only grants of this account; the id of a deleted account is accepted, too."),
  client: GrantOptions.ofClient("Only grants of the client with this client_id."),
  state: Options.text("state").pipe(
    Options.withPseudoName("STATE"),
    Options.withDescription(
      "Only grants in this state: approved (the code is not redeemed), active, expired or revoked."
    ),
    Options.optional
  ),
  limit: Options.text("limit").pipe(
    Options.withPseudoName("N"),
    Options.withDescription("Maximum number of grants, the oldest first; all of them if not given."),
    Options.optional
  ),
  json: GrantOptions.json,
  ...ServerOptions.forCommand
}

/** A grant, its state now, and the name of its account. */
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

/** Prints, and waits until it is taken. */
const print = (text: string) => Effect.zipRight(Output.print(text), Output.taken)

/** Ends when nobody reads what is printed any more. */
const untilClosed = <E, R>(self: Effect.Effect<void, E, R>) => Effect.raceFirst(self, Output.closed)

/** The pages as they come from the store, without empty ones. */
const pages = <A, E, R>(grants: Stream.Stream<A, E, R>) =>
  Stream.filter(Stream.chunks(grants), (page) => page.length > 0)

/** The array as `Output.toJson` prints it, a page at a time: a page is printed when it is known what follows it. */
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

export const list = Command.make("list", options, ({ client, json, limit, state, user, ...given }) =>
  Effect.gen(function* () {
    const clientId = yield* Lookup.optional(client, Lookup.clientId)
    const most = yield* Lookup.optional(limit, Lookup.limit)
    const wanted = yield* Lookup.optional(state, readState)
    yield* WithServices.onExisting(given, () =>
      Effect.gen(function* () {
        const subject = yield* Lookup.optional(user, Lookup.subject)
        const person = yield* Lookup.people
        const standing = Grant.statusAt(yield* DateTime.now)
        const grants = Lists.grants({ subject, clientId }).pipe(
          Stream.map((grant) => ({ grant, state: standing(grant) })),
          Stream.filter((one) => wanted === undefined || one.state === wanted),
          Stream.take(most ?? Number.MAX_SAFE_INTEGER),
          Stream.mapChunksEffect((page) =>
            Effect.map(
              Effect.forEach(page, (one) => Effect.map(person(one.grant.terms.subject), (name) => ({ ...one, name }))),
              Chunk.fromIterable
            )
          )
        )
        yield* untilClosed(json ? printArray(grants) : printLines(grants))
      })
    )
  })
).pipe(
  Command.withDescription("Lists the grants, the oldest first: the time, id, state, account, client and scope of each.")
)
