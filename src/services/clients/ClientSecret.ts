/** Client secrets (RFC 6749 §2.3.1). */
import { randomSecret } from "../keys/Crypto.js"

/** Makes a new client secret: a prefix and 256 random bits. */
export const newClientSecret = randomSecret("lk_cs_")
