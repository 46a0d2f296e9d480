/** Conversion of the text of an option or variable into the value that the file would have. */

/** Converts digits into a number. Returns any other text unchanged, so that the schema refuses it. */
export const toNumber = (text: string): unknown => (/^(0|[1-9][0-9]*)$/.test(text) ? Number(text) : text)

/** Splits a list at its commas. */
export const toList = (text: string): ReadonlyArray<string> => text.split(",").flatMap((part) => part.trim() || [])

/** Converts `token=600/1 minute,api=off` into limits. Returns any other text unchanged. */
export const toLimits = (text: string): unknown => {
  const entries = toList(text).map((part) => /^([A-Za-z]+)=(?:(off)|([0-9]+)\/(.+))$/.exec(part))
  return entries.includes(null)
    ? text
    : Object.fromEntries(
        entries.map((entry) => {
          const [, name = "", off, quota, window] = entry ?? []
          return [name, off ?? { quota: Number(quota), window }]
        })
      )
}

/** Converts `203.0.113.0/24=off,10.0.0.0/8=20` into limits of networks. Returns any other text unchanged. */
export const toNetworkLimits = (text: string): unknown => {
  const entries = toList(text).map((part) => part.split("=").map((word) => word.trim()))
  const networks = new Set(entries.map(([network]) => network))
  return entries.some((words) => words.length !== 2) || networks.size < entries.length
    ? text
    : Object.fromEntries(entries.map(([network = "", limit = ""]) => [network, toNumber(limit)]))
}
