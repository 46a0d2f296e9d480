/** SHA-256 of a high-entropy secret: the only form in which a code, token or client secret is stored. */
import * as Schema from "effect/Schema"

/** Canonical base64url of 32 bytes. */
export const Digest = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{43}$/), Schema.brand("Digest"))
export type Digest = typeof Digest.Type
