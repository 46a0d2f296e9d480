/** The command line of `latchkey`. */
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { NativeModuleError } from "../layers/files/NativeModule.js"
import * as AcceptClock from "./commands/AcceptClockCommand.js"
import * as Backup from "./commands/BackupCommands.js"
import * as ClientApprove from "./commands/ClientApproveCommands.js"
import * as ClientChange from "./commands/ClientChangeCommands.js"
import * as ClientCreate from "./commands/ClientCreateCommand.js"
import * as ClientList from "./commands/ClientListCommand.js"
import * as ClientSecret from "./commands/ClientSecretCommand.js"
import * as ClientShow from "./commands/ClientShowCommand.js"
import * as ClientUpdate from "./commands/ClientUpdateCommand.js"
import * as Config from "./commands/ConfigCommand.js"
import * as DatabaseStatus from "./commands/DatabaseStatusCommand.js"
import * as EventsCommand from "./commands/EventsCommand.js"
import * as Gc from "./commands/GcCommand.js"
import * as Grant from "./commands/GrantCommands.js"
import * as GrantList from "./commands/GrantList.js"
import * as InitialAccessToken from "./commands/InitialAccessTokenCommands.js"
import * as Key from "./commands/KeyCommands.js"
import * as Migrate from "./commands/MigrateCommand.js"
import * as Prune from "./commands/PruneCommand.js"
import * as Resource from "./commands/ResourceCommands.js"
import * as Restored from "./commands/RestoredCommand.js"
import * as UserChange from "./commands/UserChangeCommands.js"
import * as UserCreate from "./commands/UserCreateCommand.js"
import * as UserList from "./commands/UserListCommand.js"
import * as UserPassword from "./commands/UserPasswordCommand.js"
import * as Serve from "./serve/ServeCommand.js"
import * as ConfigFile from "./settings/ConfigFile.js"
import * as Sources from "./settings/Sources.js"
import * as Variables from "./settings/Variables.js"
import { find, group, leaf } from "./terminal/CommandTree.js"
import { badUsage, Failure, impossible } from "./terminal/Failure.js"
import { render } from "./terminal/Help.js"
import * as Log from "./terminal/Log.js"
import * as Output from "./terminal/Output.js"
import { version } from "./terminal/Version.js"
import * as Worker from "./workers/Worker.js"

const name = "latchkey"

const serve = leaf(Serve.serve, {
  title: 'Environment (durations are written as "30 seconds", "10 minutes", "12 hours" or "30 days")',
  rows: Variables.help
})
const events = leaf(EventsCommand.events)

const latchkey = group(
  name,
  "An OAuth 2.1 authorization server for MCP servers and other APIs",
  [
    serve,
    group("user", "Manage the accounts of users", [
      leaf(UserCreate.create),
      leaf(UserList.list),
      leaf(UserChange.disable),
      leaf(UserChange.enable),
      leaf(UserChange.unlock),
      leaf(UserPassword.setPassword),
      leaf(UserChange.remove)
    ]),
    group("client", "Manage clients", [
      leaf(ClientCreate.create),
      leaf(ClientList.list),
      leaf(ClientShow.show),
      leaf(ClientUpdate.update),
      leaf(ClientApprove.approve),
      leaf(ClientApprove.unapprove),
      leaf(ClientChange.disable),
      leaf(ClientChange.enable),
      leaf(ClientSecret.rotateSecret),
      leaf(ClientChange.remove),
      leaf(Prune.prune)
    ]),
    group("initial-access-token", "Manage the tokens with which clients register", [
      leaf(InitialAccessToken.create),
      leaf(InitialAccessToken.list),
      leaf(InitialAccessToken.revoke)
    ]),
    group("resource", "Manage protected resources", [
      leaf(Resource.create),
      leaf(Resource.list),
      leaf(Resource.remove)
    ]),
    group("grant", "Show and revoke grants", [leaf(GrantList.list), leaf(Grant.show), leaf(Grant.revoke)]),
    events,
    group("key", "Manage the keys that encrypt tokens and forms", [
      leaf(Key.list),
      leaf(Key.rotate),
      leaf(Key.replace)
    ]),
    leaf(Config.config),
    group("db", "Manage the database", [
      leaf(DatabaseStatus.status),
      leaf(Gc.gc),
      leaf(Migrate.migrate),
      leaf(Backup.backup),
      leaf(Backup.copy),
      leaf(Restored.restored),
      leaf(AcceptClock.acceptClock)
    ])
  ],
  { title: "Example", rows: [["latchkey serve --demo", "Run a server and an MCP server that it protects"]] }
)

const parse = Command.run(latchkey.command, { name, version })

/** Returns the words after the program's name, up to `--`, after which no word is a command or an option. */
const typedIn = (argv: ReadonlyArray<string>): ReadonlyArray<string> => {
  const words = argv.slice(2)
  return words.includes("--") ? words.slice(0, words.indexOf("--")) : words
}

const execute = (argv: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const typed = typedIn(argv)
    const path = find(latchkey, typed)
    const isGroup = (path.at(-1)?.children ?? []).length > 0
    if (isGroup && typed.length < path.length) {
      return yield* badUsage(`which command? See ${path.map(({ word }) => word).join(" ")} --help`)
    }
    // The wizard of @effect/cli waits for answers even where no terminal is.
    if (typed.includes("--wizard")) return yield* badUsage("'--wizard' is not an option here (see --help)")
    return yield* parse(argv)
  })

/** Runs a command with the file of settings and the log. */
const withSettings = <E, R>(argv: ReadonlyArray<string>, self: Effect.Effect<void, E, R>) =>
  Effect.flatMap(Sources.loadOne("logLevel"), (level) => Log.provide(level)(self)).pipe(
    ConfigFile.provide(typedIn(argv))
  )

const environment = Layer.mergeAll(
  CliConfig.layer({ isCaseSensitive: true, showBuiltIns: false }),
  NodeFileSystem.layer,
  NodePath.layer,
  NodeTerminal.layer
)

const isHelp = (words: ReadonlyArray<string>): boolean => words.includes("--help") || words.includes("-h")

/** Prints the error of a command. A worker gives it to its primary, which prints it once. */
const report = (error: Failure) => (Worker.isWorker() ? Worker.fail(error) : Output.complain(error.message))

/** Runs a command line, as `process.argv` has it, and prints its result or its error. */
export const run = (argv: ReadonlyArray<string>) => {
  const typed = typedIn(argv)
  if (isHelp(typed)) return Output.provide(Output.print(render(find(latchkey, typed))))
  return execute(argv).pipe(
    Effect.catchSomeDefect((defect) =>
      defect instanceof NativeModuleError ? Option.some(impossible(defect.message)) : Option.none()
    ),
    Effect.tapDefect((cause) => Effect.logFatal("internal error", cause)),
    (command) => withSettings(argv, command),
    // @effect/cli has printed its error.
    Effect.mapError((error) => (ValidationError.isValidationError(error) ? badUsage("") : error)),
    Effect.tapError((error) => (error.message === "" ? Effect.void : report(error))),
    Effect.provide(environment),
    Output.provide
  )
}

/** Whether a command line runs until it is stopped. */
const isEndless = (words: ReadonlyArray<string>): boolean => {
  const entry = find(latchkey, words).at(-1)
  return entry === serve || (entry === events && words.includes(EventsCommand.followOption))
}

/** Returns the exit code of the process. A command that runs until it is stopped ends with 0 when it is stopped. */
export const exitCode = (argv: ReadonlyArray<string>, exit: Exit.Exit<unknown, unknown>): number =>
  Exit.match(exit, {
    onSuccess: () => 0,
    onFailure: (cause) => {
      if (Cause.isInterruptedOnly(cause)) return isEndless(argv.slice(2)) ? 0 : 130
      const failure = Option.getOrUndefined(Cause.failureOption(cause))
      return failure instanceof Failure ? failure.exitCode : 1
    }
  })
