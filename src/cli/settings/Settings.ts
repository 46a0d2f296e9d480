/**
 * All settings, in one schema. The options, the variables, the members of the file, their help, the JSON Schema of the
 * file and the rows of `latchkey config` come from it: a new setting is one member here.
 */
import * as JSONSchema from "effect/JSONSchema"
import * as Schema from "effect/Schema"
import { BrandSettings } from "./BrandSettings.js"
import { clientFields } from "./ClientSettings.js"
import { databaseFields } from "./DatabaseSettings.js"
import { lifetimeFields } from "./LifetimeSettings.js"
import { limitFields } from "./LimitSettings.js"
import { outboundFields } from "./OutboundSettings.js"
import { addressFields, connectionFields, operationFields } from "./ServerSettings.js"
import * as Setting from "./Setting.js"

export const Settings = Schema.Struct({
  ...addressFields,
  ...databaseFields,
  ...clientFields,
  ...connectionFields,
  ...limitFields,
  ...outboundFields,
  brand: Schema.propertySignature(BrandSettings).annotations({ description: "Name, logo and colours of the pages" }),
  ...lifetimeFields,
  ...operationFields
})

export type Settings = typeof Settings.Type

/** All settings, in the order in which they are shown. */
export const all: ReadonlyArray<Setting.Setting> = Setting.list(Settings.ast)

/** Members of the file that hold other settings. */
export const groups: ReadonlyArray<string> = Array.from(
  new Set(all.flatMap(({ path }) => (path.length === 2 ? path[0] : [])))
)

/** Returns a setting by its place in the file. */
export const named = (place: keyof Settings | `brand.${keyof Settings["brand"]}`): Setting.Setting => {
  const setting = all.find((setting) => Setting.placeOf(setting) === place)
  if (setting === undefined) throw new Error(`no setting ${place}`)
  return setting
}

/** The member of a file that names its schema for editors; it has no other effect. */
export const schemaMember = "$schema"

/** Returns the JSON Schema (draft 7) of a file of settings. */
export const jsonSchema = (): JSONSchema.JsonSchema7Root => {
  const inFile = Object.entries(Settings.fields).filter(
    ([name]) => !all.some(({ only, path }) => path[0] === name && only === "Environment")
  )
  const members = Schema.Struct(Object.fromEntries(inFile)).pipe(Schema.partialWith({ exact: true }))
  return JSONSchema.make(
    Schema.extend(Schema.Struct({ [schemaMember]: Schema.optional(Schema.String) }), members).annotations({
      title: "Latchkey settings"
    })
  )
}
