/** The settings of the server that runs, checked at start (see `domain/Settings`). */
import * as Context from "effect/Context"
import type { Settings } from "../domain/Settings.js"

export class ServerSettings extends Context.Tag("latchkey/ServerSettings")<ServerSettings, Settings>() {}
