/** Why a form came back, in the words that several pages share. */
import { timeInWords } from "./Time.js"

export const openTooLong = "This page was open for too long."

/** The sentences about a form that was not accepted, on a page for a person who is logged in. */
export const refusals = {
  FormExpired: `${openTooLong} Nothing was changed. Please try again.`,
  FormForeign: "This page was from before another login. Nothing was changed. Please try again."
}

export const busy = "The server is busy just now. Wait a moment, then try again."

/** `waitSeconds` is the time until another attempt is tried, where it is known. */
export const throttled = (waitSeconds: number | undefined): string =>
  waitSeconds === undefined
    ? "Too many attempts. Wait a while, then try again."
    : `Too many attempts. Try again in ${timeInWords(waitSeconds)}.`

export const passwordInvalid =
  "That password cannot be used. A password has at least 8 characters, and at most 1024 bytes."
