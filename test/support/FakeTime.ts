/** A process whose clock is another: by libfaketime, which Debian's package `faketime` brings. */
import { existsSync, renameSync, writeFileSync } from "node:fs"

const library = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path))

/** Why tests with another clock are left out, if they are. */
export const missing = library === undefined ? "there is no libfaketime: apt-get install faketime" : undefined

/** The title of such a test, which says why it is left out. */
export const named = (title: string): string => (missing === undefined ? title : `${title} (left out: ${missing})`)

/**
 * A clock that is so many seconds off, until `set` says otherwise; the time that passes while nobody sets it, and timers,
 * are the machine's own.
 */
export const clock = (file: string, seconds = 0) => {
  const set = (seconds: number) => {
    // In one step: the library reads the file each time that it is asked, also while it is written.
    writeFileSync(`${file}.next`, `${seconds < 0 ? "" : "+"}${seconds}\n`)
    renameSync(`${file}.next`, file)
  }
  set(seconds)
  return {
    set,
    env: {
      LD_PRELOAD: library ?? "",
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1"
    }
  }
}

/** The environment of a process for which time, and its timers, go so many times as fast from now on. */
export const faster = (times: number): Readonly<Record<string, string>> => ({
  LD_PRELOAD: library ?? "",
  FAKETIME: `+0 x${times}`
})
