/** Why a form came back, in the words that several pages share. */
import { passwordRule } from "../../domain/Account.js"
import { timeInWords } from "./Time.js"

export const openTooLong = "This page was open for too long."

/** The sentences about a form that was not accepted, on a page for a person who is logged in. */
export const refusals = {
  FormExpired: `${openTooLong} Nothing was changed. Please try again.`,
  FormForeign: "This page was from before another login. Nothing was changed. Please try again."
}

export const busy = `The server is busy. Try again in ${timeInWords(1)}.`

/** Several sentences as one text; `undefined` for none. */
export const together = (sentences: ReadonlyArray<string>): string | undefined =>
  sentences.length === 0 ? undefined : sentences.join(" ")

/** `waitSeconds` is the time until another attempt is tried, in seconds; by default the shortest there is. */
export const throttled = (waitSeconds = 1): string => `Too many attempts. Try again in ${timeInWords(waitSeconds)}.`

export const passwordWellKnown = "That password is well known, and is guessed first. Please choose another."

/** A clause as a sentence. */
const sentence = (clause: string): string => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`

export const passwordInvalid = `That password cannot be used. ${sentence(passwordRule)}`
