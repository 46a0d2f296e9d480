/** Client secrets (RFC 6749 §2.3.1). */
import { randomSecret } from "../keys/Crypto.js"

/** A new client secret: 256 random bits behind a prefix. */
export const newClientSecret = randomSecret("lk_cs_")
