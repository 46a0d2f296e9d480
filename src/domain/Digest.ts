/** SHA-256 of a high-entropy secret. Codes, tokens and client secrets are stored only in this form. */
import * as Schema from "effect/Schema"

/** Canonical base64url of 32 bytes. */
export const Digest = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{43}$/), Schema.brand("Digest"))
export type Digest = typeof Digest.Type
