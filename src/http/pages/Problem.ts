/** Why a form came back, in the words that several pages share. */

export const busy = "The server is busy just now. Wait a moment, then try again."

/** `waitSeconds` is the time until another attempt is tried, where it is known. */
export const throttled = (waitSeconds: number | undefined): string =>
  waitSeconds === undefined
    ? "Too many attempts. Wait a while, then try again."
    : `Too many attempts. Try again in ${duration(waitSeconds)}.`

/** A time in words, such as "4 minutes": a whole number of the largest unit that fits, rounded up. */
export const duration = (seconds: number): string => {
  const [count, unit] =
    seconds < 60 ? [seconds, "second"] : seconds < 3600 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"]
  const whole = Math.ceil(count)
  return `${whole} ${unit}${whole === 1 ? "" : "s"}`
}

export const passwordInvalid =
  "That password cannot be used. A password has at least 8 characters, and at most 1024 bytes."
