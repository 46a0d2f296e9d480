/** A second resource, for checks of audiences. */
import type { SettingsOptions } from "../../../src/layers/settings/SettingsOptions.js"
import { notesOf } from "./Target.js"

export const filesOf = (origin: string): SettingsOptions["resources"][number] => ({
  uri: `${origin}/files`,
  scopes: { "files:read": "Read your files" }
})

/** The notes and the files. */
export const twoResources = (origin: string): SettingsOptions["resources"] => [notesOf(origin), filesOf(origin)]
