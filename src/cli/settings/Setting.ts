/**
 * One setting: a member of the schema `Settings`, annotated with everything that the command line, the environment, the
 * help and `latchkey config` need. The other names follow from the member's name: `accessTokenTtl` is the variable
 * `LATCHKEY_ACCESS_TOKEN_TTL` and, if it has an option, `--access-token-ttl`.
 */
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"

/** Facts about a setting that its schema does not hold. */
export interface Facts {
  readonly description: string
  /** Default value, as the file has it. */
  readonly default?: unknown
  /** Describes the default in the help, where the value alone does not. */
  readonly defaultText?: string
  /** Says which values are valid; replaces the schema's own error message. */
  readonly hint?: string
  /** Placeholder of the option's value in the help. A setting without a placeholder has no option. */
  readonly placeholder?: string
  /** The only place where the setting can be given; the command line counts as environment. */
  readonly only?: "Environment" | "File"
  /** Converts the text of an option or variable into the value that the file would have. */
  readonly fromText?: (text: string) => unknown
  /** Whether the value is never printed. */
  readonly isSecret?: boolean
  /** Removes the secret part of a value before it is printed. */
  readonly withoutSecret?: (value: unknown) => unknown
}

/** A setting of the schema. `path` has two members for a setting in a group, such as `brand.color`. */
export interface Setting extends Facts {
  readonly path: readonly [string] | readonly [group: string, member: string]
}

const factsId = Symbol.for("latchkey/Setting")

/** A setting with a default. */
export const setting = <A, I>(schema: Schema.Schema<A, I>, facts: Facts & { readonly default: NoInfer<I> }) =>
  Schema.propertySignature(schema).annotations({
    [factsId]: facts,
    description: facts.description,
    default: Schema.decodeSync(schema)(facts.default)
  })

/** A setting that may be absent. */
export const optional = <A, I>(schema: Schema.Schema<A, I>, facts: Omit<Facts, "default">) =>
  Schema.optional(schema).annotations({ [factsId]: facts, description: describe(facts) })

/** Lists the settings of a schema, those in groups included. */
export const list = (ast: AST.AST, group?: string): ReadonlyArray<Setting> =>
  AST.getPropertySignatures(ast).flatMap(({ annotations, name, type }) => {
    const facts = annotations[factsId] as Facts | undefined
    const path: Setting["path"] = group === undefined ? [String(name)] : [group, String(name)]
    return facts === undefined ? list(type, String(name)) : [{ ...facts, path }]
  })

const words = ({ path }: Setting, separator: string): string =>
  path.map((name) => name.replace(/[A-Z]/g, (letter) => `${separator}${letter.toLowerCase()}`)).join(separator)

/** Returns the option of a setting: `--port`. */
export const optionOf = (setting: Setting): string => `--${words(setting, "-")}`

/** Returns the variable of a setting: `LATCHKEY_PORT`. */
export const variableOf = (setting: Setting): string => `LATCHKEY_${words(setting, "_").toUpperCase()}`

/** Returns the place of a setting in the file: `port`, `brand.color`. */
export const placeOf = ({ path }: Setting): string => path.join(".")

/** Returns the description and the default of a setting. */
export const describe = (facts: Facts): string => {
  const value = facts.defaultText ?? (facts.default === undefined ? undefined : String(facts.default))
  return value === undefined ? facts.description : `${facts.description} (default: ${value})`
}
