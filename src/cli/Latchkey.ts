/** The command line: `latchkey serve`, `latchkey user …`, `latchkey client …`. */
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Client from "./ClientCommands.js"
import * as Environment from "./Environment.js"
import { badUsage, Failure } from "./Failure.js"
import * as Help from "./Help.js"
import * as Log from "./Log.js"
import * as Output from "./Output.js"
import * as Serve from "./ServeCommand.js"
import * as User from "./UserCommands.js"
import { version } from "./Version.js"

const name = "latchkey"

const user = Command.make("user").pipe(
  Command.withDescription("Who can log in."),
  Command.withSubcommands([User.create, User.list])
)

const client = Command.make("client").pipe(
  Command.withDescription("Which programs may ask for access, beside those that register themselves."),
  Command.withSubcommands([Client.create, Client.list])
)

const latchkey = Command.make(name).pipe(
  Command.withDescription("An OAuth 2.1 authorization server, for MCP servers and for any API."),
  Command.withSubcommands([Serve.serve, user, client])
)

const leaf = (command: Help.Entry["command"], ...path: ReadonlyArray<string>): Help.Entry => ({
  path: [name, ...path],
  command,
  children: []
})

const commands: Help.Entry = {
  path: [name],
  command: latchkey,
  more: HelpDoc.p("To see it work: latchkey serve --demo"),
  children: [
    { ...leaf(Serve.serve, "serve"), more: Environment.help },
    {
      path: [name, "user"],
      command: user,
      children: [leaf(User.create, "user", "create"), leaf(User.list, "user", "list")]
    },
    {
      path: [name, "client"],
      command: client,
      children: [leaf(Client.create, "client", "create"), leaf(Client.list, "client", "list")]
    }
  ]
}

const parse = Command.run(latchkey, { name, version })

/** What is typed behind the program's name, up to a `--`, behind which nothing is a command or an option. */
const typedIn = (argv: ReadonlyArray<string>): ReadonlyArray<string> => {
  const words = argv.slice(2)
  return words.includes("--") ? words.slice(0, words.indexOf("--")) : words
}

const execute = (argv: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const typed = typedIn(argv)
    const entry = Help.find(commands, typed)
    if (typed.includes("--help") || typed.includes("-h")) return yield* Output.print(Help.render(entry))
    if (entry.children.length > 0 && typed.length < entry.path.length) {
      return yield* badUsage(`which command? ${entry.path.join(" ")} --help says what there is`)
    }
    // It asks questions, of whoever is there or not.
    if (typed.includes("--wizard")) return yield* badUsage("'--wizard' is not an option here (see --help)")
    return yield* parse(argv)
  })

const environment = Layer.mergeAll(
  CliConfig.layer({ isCaseSensitive: true, showBuiltIns: false }),
  NodeFileSystem.layer,
  NodePath.layer,
  NodeTerminal.layer
)

/** Runs a command line, as `process.argv` has it. It has said what there is to say when this ends. */
export const run = (argv: ReadonlyArray<string>) =>
  execute(argv).pipe(
    Effect.tapDefect((cause) => Effect.logFatal("a fault of Latchkey's own", cause)),
    Log.provide,
    // @effect/cli has said already what is wrong.
    Effect.mapError((error) => (ValidationError.isValidationError(error) ? badUsage("") : error)),
    Effect.tapError(({ message }) => (message === "" ? Effect.void : Output.complain(message))),
    Effect.provide(environment),
    Output.provide
  )

/** The code with which the process ends. A server that is told to stop has done all that it was asked to do. */
export const exitCode = (argv: ReadonlyArray<string>, exit: Exit.Exit<unknown, unknown>): number =>
  Exit.match(exit, {
    onSuccess: () => 0,
    onFailure: (cause) => {
      if (Cause.isInterruptedOnly(cause)) return Help.find(commands, typedIn(argv)).command === Serve.serve ? 0 : 130
      const failure = Option.getOrUndefined(Cause.failureOption(cause))
      return failure instanceof Failure ? failure.exitCode : 1
    }
  })
