/** Finds variables whose names resemble `LATCHKEY_MASTER_KEY`. */
import { distance } from "../../domain/SimilarName.js"

/** Maximum distance of a misspelt name, in letters: two swapped letters and one more typo. */
const maxDistance = 3

/** Endings that name the form of a value. */
const form = /(FILE|PATH|FILENAME|FROM|URL|ENV|BASE64URL|BASE64|B64|HEX|RAW|TEXT|STRING|VALUE|DATA)+$/

/** Names of a master key in other programs. */
const otherNames = /^(DB|DATABASE|DATA|STORAGE|ENCRYPTION|ENCRYPT|ROOT|SECRET|VAULT|SEAL|SEALING)?KEYS?$/

/**
 * Whether a variable resembles `LATCHKEY_MASTER_KEY`: `LATCHKEY_MASTERKEY`, `latchkey_master_key`,
 * `LATCHKEY_MASTER_KEY_PATH`, `LATCHKEY_ENCRYPTION_KEY`, `LATCHEY_MASTER_KEY`.
 */
export const isLikeMasterKey = (variable: string): boolean => {
  const letters = variable.toUpperCase().replace(/[^A-Z0-9]/g, "")
  const name = letters.replace(form, "")
  if (distance(name, "LATCHKEYMASTERKEY") <= maxDistance) return true
  if (!letters.startsWith("LATCHKEY")) return false
  const rest = name.slice("LATCHKEY".length)
  return rest.includes("MASTER") || otherNames.test(rest)
}
