/** What can stand in the way of a server or a command, each in one line. */
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { ListenError } from "../../layers/NodeServer.js"
import type { SettingsError } from "../../layers/settings/SettingsOptions.js"
import type { StorageOpenError } from "../../layers/sql/StorageOpenError.js"
import type { WrongMasterKey } from "../../services/keys/Keyring.js"
import type { ClockWentBack } from "../../services/maintenance/ClockCheck.js"
import * as Environment from "../settings/Environment.js"
import type { Place } from "../settings/ServerOptions.js"
import { badUsage, impossible } from "./Failure.js"
import * as Program from "./Program.js"

export const settingsError = ({ message }: SettingsError) => badUsage(Environment.inOperatorsWords(message))

export const storageOpenError = ({ message }: StorageOpenError) => impossible(message)

export const wrongMasterKey =
  (place: Place) =>
  ({ message }: WrongMasterKey) =>
    impossible(
      `${message}. Give the right key; or, if a backup was put back, say ${Program.line("db restored", place)}`
    )

export const clockWentBack =
  (place: Place) =>
  ({ message }: ClockWentBack) =>
    impossible(`${message}. Set the clock; or, if it is right, say ${Program.line("db accept-clock", place)}`)

export const temporarilyUnavailable = ({ reason }: TemporarilyUnavailable) =>
  impossible(`the database cannot be used just now (${reason}): try again in a moment`)

/** The options that mend an address that cannot be listened on. */
export const listenError = ({ code, message }: ListenError) => {
  if (code === "EADDRINUSE" || code === "EACCES") return impossible(`${message} with --port`)
  return impossible(
    code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN" ? `${message} with --host` : message
  )
}

/** The failures of a database that is opened and asked. */
export const ofDatabase = {
  StorageOpenError: storageOpenError,
  TemporarilyUnavailable: temporarilyUnavailable
}

/** The failures that every command on a database may have, with the services of a server on it. */
export const ofStorage = (place: Place) => ({
  ...ofDatabase,
  SettingsError: settingsError,
  WrongMasterKey: wrongMasterKey(place)
})
