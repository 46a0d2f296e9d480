/** Reads the markup of a page strictly. A malformed tag or an unquoted attribute throws. */

/** A start tag. */
export interface Tag {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
}

const tagPattern = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z][a-zA-Z-]*(?:="[^"<>]*")?)*)\s*\/?>/g

const decode = (text: string): string =>
  text
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"')
    .replaceAll("&gt;", ">")
    .replaceAll("&lt;", "<")
    .replaceAll("&amp;", "&")

const withoutStyle = (page: string): string => page.replace(/^<!doctype html>/, "").replace(/(<style>)[^<]*/, "$1")

/** Returns the start tags of a page, in their order. */
export const tags = (page: string): ReadonlyArray<Tag> => {
  const markup = withoutStyle(page)
  if (/[<>]/.test(markup.replace(tagPattern, ""))) throw new Error("a stray < or >")
  return Array.from(markup.matchAll(tagPattern))
    .filter(([, slash]) => slash === "")
    .map(([, , name = "", attributes = ""]) => ({
      name,
      attributes: Object.fromEntries(
        Array.from(attributes.matchAll(/([a-zA-Z-]+)(?:="([^"]*)")?/g), ([, key = "", value = ""]) => [
          key,
          decode(value)
        ])
      )
    }))
}

/** Returns the start tags with the given name and attributes. */
export const find = (page: string, name: string, attributes: Readonly<Record<string, string>> = {}) =>
  tags(page).filter(
    (tag) => tag.name === name && Object.entries(attributes).every(([key, value]) => tag.attributes[key] === value)
  )

/** Returns the markup without data: the names of tags and attributes. */
export const skeleton = (page: string): ReadonlyArray<string> =>
  tags(page).map(({ attributes, name }) => `${name} ${Object.keys(attributes).join(" ")}`)

/** Returns the visible text in one line. */
export const text = (page: string): string =>
  decode(
    withoutStyle(page)
      .replace(/<title>[^<]*<\/title>/, "")
      .replace(tagPattern, "")
  )
    .replace(/\s+/g, " ")
    .trim()
