/** The settings of the running server, checked at its start (see `domain/Settings`). */
import * as Context from "effect/Context"
import type { Settings } from "../domain/Settings.js"

export class ServerSettings extends Context.Tag("latchkey/ServerSettings")<ServerSettings, Settings>() {}
