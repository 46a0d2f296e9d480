/** Errors of the library as one line for the operator. */
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { StorageOpenError } from "../../layers/files/StorageOpenError.js"
import type { ListenError } from "../../layers/NodeServer.js"
import type { SettingsError } from "../../layers/settings/SettingsOptions.js"
import type { WrongMasterKey } from "../../services/keys/Keyring.js"
import type { ClockWentBack } from "../../services/maintenance/ClockCheck.js"
import { badUsage, impossible } from "../terminal/Failure.js"
import * as LibraryOptions from "./LibraryOptions.js"
import * as Program from "./Program.js"
import type { Target } from "./Target.js"

export const settingsError = ({ message }: SettingsError) => badUsage(LibraryOptions.withVariableNames(message))

export const storageOpenError = ({ message }: StorageOpenError) => impossible(message)

export const wrongMasterKey =
  (target: Target) =>
  ({ message }: WrongMasterKey) =>
    impossible(
      `${message}. Give the right key; or, if you restored a backup, run ${Program.line("db restored", target)}`
    )

export const clockWentBack =
  (target: Target) =>
  ({ message }: ClockWentBack) =>
    impossible(`${message}. Set the clock; or, if it is right, run ${Program.line("db accept-clock", target)}`)

export const temporarilyUnavailable = ({ reason }: TemporarilyUnavailable) =>
  impossible(`the database is not available (${reason}): try again in a moment`)

/** Names the option that changes an address on which the server cannot listen. */
export const listenError = ({ code, message }: ListenError) => {
  if (code === "EADDRINUSE" || code === "EACCES") return impossible(`${message} with --port`)
  return impossible(
    code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN" ? `${message} with --host` : message
  )
}

/** Errors of an open database. */
export const ofDatabase = {
  StorageOpenError: storageOpenError,
  TemporarilyUnavailable: temporarilyUnavailable
}

/** Errors of every command that uses the services of a server. */
export const ofStorage = (target: Target) => ({
  ...ofDatabase,
  SettingsError: settingsError,
  WrongMasterKey: wrongMasterKey(target)
})
