/** Lengths of time, as a page says them. */

const units = [
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1]
] as const

/** A number of seconds in the largest unit of which it is at least one, rounded up: "59 seconds", "1 minute", "2 hours". */
export const timeInWords = (seconds: number): string => {
  const [unit, size] = units.find(([, size]) => seconds >= size) ?? units[2]
  const count = Math.ceil(seconds / size)
  return `${count} ${unit}${count === 1 ? "" : "s"}`
}
