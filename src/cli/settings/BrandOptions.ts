/** The brand, with the logo read from its file. */
import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Brand from "../../domain/Brand.js"
import type { BrandOptions } from "../../layers/settings/BrandOptions.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as Settings from "./Settings.js"
import type { Loaded } from "./Sources.js"

/** Reads at most one byte more than the maximum size. */
const readFile = async (path: string): Promise<Uint8Array> => {
  const file = await Fs.open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Brand.maxLogoSize + 1), 0, Brand.maxLogoSize + 1, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

const logo = (path: string, label: string | undefined): Effect.Effect<Uint8Array, Failure> => {
  const refuse = (why: string) => badUsage(`${label}: ${path}: ${why}`)
  return Effect.tryPromise({
    try: () => readFile(path),
    catch: (cause) =>
      refuse(`this file cannot be read (${cause instanceof Error && "code" in cause ? cause.code : cause})`)
  }).pipe(Effect.tap((bytes) => Either.mapLeft(Brand.logoUri(bytes), refuse)))
}

/** Returns the options of the brand. */
export const read = ({ given, settings }: Loaded): Effect.Effect<BrandOptions, Failure> => {
  const { logo: path, ...others } = settings.brand
  if (path === undefined) return Effect.succeed(others)
  return Effect.map(logo(path, given.get(Settings.named("brand.logo"))?.label), (logo) => ({ ...others, logo }))
}
