/** The command line: `latchkey serve`, and the commands that work beside it. */
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
import { NativeModuleError } from "../layers/files/NativeModule.js"
import * as AcceptClock from "./commands/AcceptClockCommand.js"
import * as Backup from "./commands/BackupCommands.js"
import * as Client from "./commands/ClientCommands.js"
import * as ClientUpdate from "./commands/ClientUpdateCommand.js"
import * as Config from "./commands/ConfigCommand.js"
import * as DatabaseCommands from "./commands/DatabaseCommands.js"
import * as EventsCommand from "./commands/EventsCommand.js"
import * as Grant from "./commands/GrantCommands.js"
import * as GrantList from "./commands/GrantList.js"
import * as Key from "./commands/KeyCommands.js"
import * as Prune from "./commands/PruneCommand.js"
import * as Resource from "./commands/ResourceCommands.js"
import * as Restored from "./commands/RestoredCommand.js"
import * as User from "./commands/UserCommands.js"
import * as Serve from "./serve/ServeCommand.js"
import * as ConfigFile from "./settings/ConfigFile.js"
import * as Environment from "./settings/Environment.js"
import { badUsage, Failure, impossible } from "./terminal/Failure.js"
import * as Help from "./terminal/Help.js"
import * as Log from "./terminal/Log.js"
import * as Output from "./terminal/Output.js"
import { version } from "./terminal/Version.js"

const name = "latchkey"

const leaf = (command: Help.Entry["command"], ...path: ReadonlyArray<string>): Help.Entry => ({
  path: [name, ...path],
  command,
  children: []
})

/** A command that only holds others, which are called by their last words. */
const group = (
  word: string,
  command: Help.Entry["command"],
  leaves: Readonly<Record<string, Help.Entry["command"]>>
) => ({
  path: [name, word],
  command,
  children: Object.entries(leaves).map(([last, command]) => leaf(command, word, last))
})

const user = Command.make("user").pipe(
  Command.withDescription("Who can log in."),
  Command.withSubcommands([
    User.create,
    User.list,
    User.disable,
    User.enable,
    User.unlock,
    User.setPassword,
    User.remove
  ])
)

const client = Command.make("client").pipe(
  Command.withDescription("Which programs may ask for access, beside those that register themselves."),
  Command.withSubcommands([
    Client.create,
    Client.list,
    Client.show,
    ClientUpdate.update,
    Client.disable,
    Client.enable,
    Client.rotateSecret,
    Client.remove,
    Prune.prune
  ])
)

const resource = Command.make("resource").pipe(
  Command.withDescription("What the server guards."),
  Command.withSubcommands([Resource.create, Resource.list, Resource.remove])
)

const grant = Command.make("grant").pipe(
  Command.withDescription("What people allowed which clients, and what became of it."),
  Command.withSubcommands([GrantList.list, Grant.show, Grant.revoke])
)

const key = Command.make("key").pipe(
  Command.withDescription("The keys that seal tokens and forms."),
  Command.withSubcommands([Key.list, Key.rotate, Key.replace])
)

const db = Command.make("db").pipe(
  Command.withDescription("The database itself."),
  Command.withSubcommands([
    DatabaseCommands.status,
    DatabaseCommands.gc,
    DatabaseCommands.migrate,
    Backup.backup,
    Backup.copy,
    Restored.restored,
    AcceptClock.acceptClock
  ])
)

const latchkey = Command.make(name).pipe(
  Command.withDescription("An OAuth 2.1 authorization server, for MCP servers and for any API."),
  Command.withSubcommands([Serve.serve, user, client, resource, grant, EventsCommand.events, key, Config.config, db])
)

const commands: Help.Entry = {
  path: [name],
  command: latchkey,
  more: HelpDoc.p("To see it work: latchkey serve --demo"),
  children: [
    { ...leaf(Serve.serve, "serve"), more: Environment.help },
    group("user", user, {
      create: User.create,
      list: User.list,
      disable: User.disable,
      enable: User.enable,
      unlock: User.unlock,
      "set-password": User.setPassword,
      delete: User.remove
    }),
    group("client", client, {
      create: Client.create,
      list: Client.list,
      show: Client.show,
      update: ClientUpdate.update,
      disable: Client.disable,
      enable: Client.enable,
      "rotate-secret": Client.rotateSecret,
      delete: Client.remove,
      prune: Prune.prune
    }),
    group("resource", resource, { create: Resource.create, list: Resource.list, delete: Resource.remove }),
    group("grant", grant, { list: GrantList.list, show: Grant.show, revoke: Grant.revoke }),
    leaf(EventsCommand.events, "events"),
    group("key", key, { list: Key.list, rotate: Key.rotate, replace: Key.replace }),
    leaf(Config.config, "config"),
    group("db", db, {
      status: DatabaseCommands.status,
      gc: DatabaseCommands.gc,
      migrate: DatabaseCommands.migrate,
      backup: Backup.backup,
      copy: Backup.copy,
      restored: Restored.restored,
      "accept-clock": AcceptClock.acceptClock
    })
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
    Effect.catchSomeDefect((defect) =>
      defect instanceof NativeModuleError ? Option.some(impossible(defect.message)) : Option.none()
    ),
    Effect.tapDefect((cause) => Effect.logFatal("a fault of Latchkey's own", cause)),
    Log.provide,
    ConfigFile.provide(typedIn(argv)),
    // @effect/cli has said already what is wrong.
    Effect.mapError((error) => (ValidationError.isValidationError(error) ? badUsage("") : error)),
    Effect.tapError(({ message }) => (message === "" ? Effect.void : Output.complain(message))),
    Effect.provide(environment),
    Output.provide
  )

/** Whether a command line asks for what goes on until it is told to stop. */
const isEndless = (words: ReadonlyArray<string>): boolean => {
  const { command } = Help.find(commands, words)
  return command === Serve.serve || (command === EventsCommand.events && words.includes(EventsCommand.followOption))
}

/** The code with which the process ends. What was endless, and is told to stop, has done all that it was asked to do. */
export const exitCode = (argv: ReadonlyArray<string>, exit: Exit.Exit<unknown, unknown>): number =>
  Exit.match(exit, {
    onSuccess: () => 0,
    onFailure: (cause) => {
      if (Cause.isInterruptedOnly(cause)) return isEndless(argv.slice(2)) ? 0 : 130
      const failure = Option.getOrUndefined(Cause.failureOption(cause))
      return failure instanceof Failure ? failure.exitCode : 1
    }
  })
