/** The arguments and the option of the commands on accounts. */
import * as Args from "@effect/cli/Args"
import { flag } from "./CommandOptions.js"

export const newName = Args.text({ name: "NAME" }).pipe(
  Args.withDescription("Username to log in with: 1 to 64 characters without spaces; upper and lower case are the same")
)

/** The username of an account with a password. */
export const name = Args.text({ name: "NAME" }).pipe(Args.withDescription("Username"))

/** The username of any account, also of an account for a user of an app. */
export const anyName = Args.text({ name: "NAME" }).pipe(
  Args.withDescription("Username; for a user of your own app, external: and the app's name for the user")
)

export const passwordStdin = flag("password-stdin", "Read the password from standard input instead of asking for it")
