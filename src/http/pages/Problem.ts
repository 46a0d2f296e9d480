/** Why a form came back, in the words that several pages share. */

export const busy = "The server is busy just now. Wait a moment, then try again."

export const throttled = "Too many attempts. Wait a while, then try again."

export const passwordInvalid =
  "That password cannot be used. A password has at least 8 characters, and at most 1024 bytes."
