/**
 * Reads the writes of a process to its database and its sockets, and its flushes, from strace. Rebuilds the files as a loss of
 * power would leave them, without the writes after the last flush of a file.
 */

/** The calls that the trace must contain, complete and in hexadecimal. */
export const straceArguments = [
  ...["-y", "-xx", "-s", "1000000"],
  ...["-e", "trace=pwrite64,ftruncate,fsync,fdatasync,write,writev"]
]

export type Step =
  | { readonly did: "wrote"; readonly path: string; readonly bytes: Buffer; readonly offset: number }
  | { readonly did: "truncated"; readonly path: string; readonly length: number }
  | { readonly did: "flushed"; readonly path: string }
  /** Bytes that were sent by a socket or another stream. */
  | { readonly did: "said"; readonly text: string }

const decode = (hex: string): Buffer => Buffer.from(hex.replaceAll("\\x", ""), "hex")

/** `name(fd<path>, the rest) = result`. A failed call did nothing. */
const line = /^(\w+)\(\d+<([^>]*)>(?:, )?(.*)\) = (\d+)/

export const parse = (trace: string): ReadonlyArray<Step> =>
  trace.split("\n").flatMap((text): ReadonlyArray<Step> => {
    const [, call = "", hexPath = "", rest = "", result = ""] = line.exec(text) ?? []
    const path = decode(hexPath).toString()
    switch (call) {
      case "pwrite64": {
        const [, hex = "", offset = ""] = /^"([^"]*)", \d+, (\d+)$/.exec(rest) ?? []
        return [{ did: "wrote", path, bytes: decode(hex).subarray(0, Number(result)), offset: Number(offset) }]
      }
      case "ftruncate":
        return [{ did: "truncated", path, length: Number(rest) }]
      case "fsync":
      case "fdatasync":
        return [{ did: "flushed", path }]
      case "write":
      case "writev":
        return [{ did: "said", text: Array.from(rest.matchAll(/"([^"]*)"/g), ([, hex = ""]) => decode(hex)).join("") }]
      default:
        return []
    }
  })

/** A file as the process sees it, and as it is on the disk. */
interface Image {
  seen: Buffer
  durable: Buffer
}

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
  const images = new Map<string, Image>([...files].map(([path, bytes]) => [path, { seen: bytes, durable: bytes }]))
  let said = ""
  const loss = () => ({ files: new Map([...images].map(([path, { durable }]) => [path, durable])), said })
  for (const step of steps) {
    if (step.did === "said") {
      said += step.text
      continue
    }
    const image = images.get(step.path)
    if (image === undefined) continue
    switch (step.did) {
      case "wrote":
        image.seen = write(image.seen, step.bytes, step.offset)
        break
      case "truncated":
        image.seen = resize(image.seen, step.length)
        break
      case "flushed":
        yield loss()
        image.durable = image.seen
    }
  }
  yield loss()
}
