/** The version of this program. The bundler inserts it. */

declare const LATCHKEY_VERSION: string

export const version: string = typeof LATCHKEY_VERSION === "string" ? LATCHKEY_VERSION : "0.0.0"
