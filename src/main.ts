/** The `latchkey` program. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { exitCode, run } from "./cli/Latchkey.js"

NodeRuntime.runMain(run(process.argv), {
  disableErrorReporting: true,
  disablePrettyLogger: true,
  teardown: (exit, end) => end(exitCode(process.argv, exit))
})
