/** The `latchkey` program. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { exitCode, run } from "./cli/Latchkey.js"

// Without a listener Node opens its debugger on this signal, and a debugger reads every key and password of the process.
process.on("SIGUSR1", () => {})

NodeRuntime.runMain(run(process.argv), {
  disableErrorReporting: true,
  disablePrettyLogger: true,
  teardown: (exit, end) => end(exitCode(process.argv, exit))
})
