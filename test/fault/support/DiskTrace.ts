/**
 * Reads the writes of a process to its database and its sockets, and its flushes, from strace. Rebuilds the files as a loss of
 * power would leave them, without the writes after the last flush of a file.
 */

/** The calls that the trace must contain, complete, in hexadecimal, and of all threads. */
export const straceArguments = [
  ...["-f", "-y", "-xx", "-s", "1000000"],
  ...["-e", "trace=pwrite64,ftruncate,fsync,fdatasync,write,writev"]
]

export type Step =
  | { readonly did: "wrote"; readonly path: string; readonly bytes: Buffer; readonly offset: number }
  | { readonly did: "truncated"; readonly path: string; readonly length: number }
  /** A flush covers what was written when it began. */
  | { readonly did: "began to flush" | "flushed"; readonly path: string; readonly thread: string }
  /** Bytes that were sent by a socket or another stream. */
  | { readonly did: "said"; readonly text: string }

const decode = (hex: string): Buffer => Buffer.from(hex.replaceAll("\\x", ""), "hex")

/** `thread name(fd<path>, the rest) = result`. */
const call = /^(\d+) +(\w+)\(\d+<([^>]*)>(?:, )?(.*)\) += (-?\d+)/

/** The two lines of a call during which another thread was traced: `name(… <unfinished ...>` and `<... name resumed>…`. */
const [unfinished, resumed] = [/^(\d+) +(.*) <unfinished \.\.\.>$/, /^(\d+) +<\.\.\. \w+ resumed>(.*)$/]

/** The beginnings and the ends of the calls, in their order, each with the whole text of the call. */
const boundaries = (trace: string) => {
  const events: Array<{ text: string; readonly at: "Begin" | "End" }> = []
  const open = new Map<string, (typeof events)[number]>()
  for (const text of trace.split("\n")) {
    const [, thread = "", start] = unfinished.exec(text) ?? []
    const [, sameThread = "", rest] = resumed.exec(text) ?? []
    if (start !== undefined) {
      const begin = { text: `${thread} ${start}`, at: "Begin" as const }
      open.set(thread, begin)
      events.push(begin)
    } else if (rest !== undefined) {
      const begin = open.get(sameThread)
      if (begin === undefined) continue
      begin.text += rest
      events.push({ text: begin.text, at: "End" })
    } else {
      events.push({ text, at: "Begin" }, { text, at: "End" })
    }
  }
  return events
}

/** Returns the steps. A call that failed is no step. Bytes may be read by the client when the call begins. */
export const parse = (trace: string): ReadonlyArray<Step> =>
  boundaries(trace).flatMap(({ at, text }): ReadonlyArray<Step> => {
    const [, thread = "", name = "", hexPath = "", rest = "", result = "-1"] = call.exec(text) ?? []
    if (Number(result) < 0) return []
    const path = decode(hexPath).toString()
    switch (`${at} ${name}`) {
      case "End pwrite64": {
        const [, hex = "", offset = ""] = /^"([^"]*)", \d+, (\d+)$/.exec(rest) ?? []
        return [{ did: "wrote", path, bytes: decode(hex).subarray(0, Number(result)), offset: Number(offset) }]
      }
      case "End ftruncate":
        return [{ did: "truncated", path, length: Number(rest) }]
      case "Begin fsync":
      case "Begin fdatasync":
        return [{ did: "began to flush", path, thread }]
      case "End fsync":
      case "End fdatasync":
        return [{ did: "flushed", path, thread }]
      case "Begin write":
      case "Begin writev":
        return [{ did: "said", text: Array.from(rest.matchAll(/"([^"]*)"/g), ([, hex = ""]) => decode(hex)).join("") }]
      default:
        return []
    }
  })

/** A state of a file, with the number of changes before it. */
interface Version {
  readonly bytes: Buffer
  readonly changes: number
}

/** A file as the process sees it, as it is on the disk, and as each thread that flushes it found it. */
interface Image {
  seen: Version
  durable: Version
  readonly flushing: Map<string, Version>
}

const changed = ({ changes }: Version, bytes: Buffer): Version => ({ bytes, changes: changes + 1 })

const write = (before: Buffer, bytes: Buffer, offset: number): Buffer => {
  const after = Buffer.alloc(Math.max(before.length, offset + bytes.length))
  before.copy(after)
  bytes.copy(after, offset)
  return after
}

const resize = (before: Buffer, length: number): Buffer => {
  const after = Buffer.alloc(length)
  before.copy(after)
  return after
}

/** The files after a loss of power, and all bytes that were sent before it. */
export interface Loss {
  readonly files: ReadonlyMap<string, Buffer>
  readonly said: string
}

/**
 * The losses with different results: right before each flush, when most of the unflushed writes have been acknowledged, and at
 * the end. `files` are as they were, and flushed, before the first step.
 */
export function* losses(files: ReadonlyMap<string, Buffer>, steps: ReadonlyArray<Step>): Generator<Loss> {
  const images = new Map<string, Image>()
  for (const [path, bytes] of files) {
    const version = { bytes, changes: 0 }
    images.set(path, { seen: version, durable: version, flushing: new Map() })
  }
  let said = ""
  const loss = () => ({ files: new Map([...images].map(([path, { durable }]) => [path, durable.bytes])), said })
  for (const step of steps) {
    if (step.did === "said") {
      said += step.text
      continue
    }
    const image = images.get(step.path)
    if (image === undefined) continue
    switch (step.did) {
      case "wrote":
        image.seen = changed(image.seen, write(image.seen.bytes, step.bytes, step.offset))
        break
      case "truncated":
        image.seen = changed(image.seen, resize(image.seen.bytes, step.length))
        break
      case "began to flush":
        image.flushing.set(step.thread, image.seen)
        break
      case "flushed": {
        yield loss()
        const flushed = image.flushing.get(step.thread)
        // The flush of another thread may have begun later and ended earlier.
        if (flushed !== undefined && flushed.changes > image.durable.changes) image.durable = flushed
      }
    }
  }
  yield loss()
}
