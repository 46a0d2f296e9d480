/** Durations in words. */

const units = [
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1]
] as const

/** Returns a number of seconds in its largest unit, rounded up: "59 seconds", "1 minute", "2 hours". */
export const timeInWords = (seconds: number): string => {
  const [unit, size] = units.find(([, size]) => seconds >= size) ?? units[2]
  const count = Math.ceil(seconds / size)
  return `${count} ${unit}${count === 1 ? "" : "s"}`
}
