/** The `latchkey` program. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { exitCode, run } from "./cli/Latchkey.js"

// Without a listener, this signal opens the debugger of Node, which can read every key and password of the process.
process.on("SIGUSR1", () => {})

NodeRuntime.runMain(run(process.argv), {
  disableErrorReporting: true,
  disablePrettyLogger: true,
  teardown: (exit, end) => end(exitCode(process.argv, exit))
})
