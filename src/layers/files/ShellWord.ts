/**
 * Quotes a text as one word of a POSIX shell, for commands in messages.
 *
 * @example
 * import * as ShellWord from "./ShellWord.js"
 *
 * ShellWord.quote("my data/it's.db") // "'my data/it'\\''s.db'"
 */
export const quote = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
