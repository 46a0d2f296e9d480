/** Lengths of time, as a page says them. */

const units = [
  ["second", 1],
  ["minute", 60],
  ["hour", 3_600]
] as const

/** A number of seconds in the smallest unit in which it is less than 120, rounded up: "1 second", "90 seconds", "2 minutes". */
export const timeInWords = (seconds: number): string => {
  const [unit, size] = units.find(([, size]) => Math.ceil(seconds / size) < 120) ?? units[2]
  const count = Math.ceil(seconds / size)
  return `${count} ${unit}${count === 1 ? "" : "s"}`
}
