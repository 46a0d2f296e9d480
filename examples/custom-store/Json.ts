/** The parameters of the verbs as JSON. */
import { DateTime, Duration, Option, Redacted } from "effect"

type Kind = "undefined" | "time" | "duration" | "option" | "redacted" | "set" | "map" | "list" | "record"

/** Stores the kind of each value, so that decoding is exact. */
const pack = (value: unknown): unknown => {
  const as = (kind: Kind, content: unknown) => ({ [kind]: content })
  if (value === undefined) return as("undefined", null)
  if (typeof value !== "object" || value === null) return value
  if (DateTime.isDateTime(value)) return as("time", value.epochMillis)
  if (Duration.isDuration(value)) return as("duration", Duration.toMillis(value))
  if (Option.isOption(value)) return as("option", Option.toArray(value).map(pack))
  if (Redacted.isRedacted(value)) return as("redacted", pack(Redacted.value(value)))
  if (value instanceof Set) return as("set", Array.from(value, pack))
  if (value instanceof Map) return as("map", Array.from(value, pack))
  if (Array.isArray(value)) return as("list", value.map(pack))
  return as("record", Object.fromEntries(Object.entries(value).map(([name, member]) => [name, pack(member)])))
}

const unpack = (packed: unknown): unknown => {
  if (typeof packed !== "object" || packed === null) return packed
  const [kind, content] = Object.entries(packed)[0] as [Kind, never]
  const each = () => (content as ReadonlyArray<unknown>).map(unpack)
  switch (kind) {
    case "undefined":
      return undefined
    case "time":
      return DateTime.unsafeMake(content)
    case "duration":
      return Duration.millis(content)
    case "option":
      return Option.fromIterable(each())
    case "redacted":
      return Redacted.make(unpack(content))
    case "set":
      return new Set(each())
    case "map":
      return new Map(each() as ReadonlyArray<readonly [unknown, unknown]>)
    case "list":
      return each()
    case "record":
      return Object.fromEntries(Object.entries(content).map(([name, member]) => [name, unpack(member)]))
  }
}

export const encode = (value: unknown): string => JSON.stringify(pack(value))

export const decode = (text: string): unknown => unpack(JSON.parse(text))
