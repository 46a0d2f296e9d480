/** The brand as the operator sets it: its members, and the logo read from its file. */
import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Brand from "../../domain/Brand.js"
import type { BrandOptions } from "../../layers/settings/BrandOptions.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as Setting from "./Setting.js"
import * as Settings from "./Settings.js"

/** Reads at most one byte more than the maximum size. */
const read = async (path: string): Promise<Uint8Array> => {
  const file = await Fs.open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Brand.maxLogoSize + 1), 0, Brand.maxLogoSize + 1, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

const logo: Effect.Effect<Option.Option<Uint8Array>, Failure> = Effect.gen(function* () {
  const path = yield* Setting.find(Settings.table.brandLogo)
  if (Option.isNone(path)) return Option.none()
  const given = yield* Setting.given(Settings.table.brandLogo)
  const refuse = (why: string) => badUsage(`${Option.getOrThrow(given).source}: ${path.value}: ${why}`)
  const bytes = yield* Effect.tryPromise({
    try: () => read(path.value),
    catch: (cause) =>
      refuse(`this file cannot be read (${cause instanceof Error && "code" in cause ? cause.code : cause})`)
  })
  yield* Either.mapLeft(Brand.logoUri(bytes), refuse)
  return Option.some(bytes)
})

/** The settings of the brand; `undefined` for those that are not given. */
export const brand: Effect.Effect<BrandOptions, Failure> = Effect.map(
  Effect.all({
    name: Setting.find(Settings.table.brandName),
    logo,
    color: Setting.find(Settings.table.brandColor),
    colorDark: Setting.find(Settings.table.brandColorDark),
    supportUrl: Setting.find(Settings.table.brandSupportUrl)
  }),
  (given) => ({
    name: Option.getOrUndefined(given.name),
    logo: Option.getOrUndefined(given.logo),
    color: Option.getOrUndefined(given.color),
    colorDark: Option.getOrUndefined(given.colorDark),
    supportUrl: Option.getOrUndefined(given.supportUrl)
  })
)
