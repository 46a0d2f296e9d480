/**
 * The browser of the tests. One is looked for in `LATCHKEY_TEST_BROWSER`, on the PATH, and where Playwright puts its
 * own; without one the tests that need it are left out, and say so.
 */
import { accessSync, constants, existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import { type Browser, chromium } from "playwright-core"

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"]

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const find = (): string | undefined => {
  const named = process.env.LATCHKEY_TEST_BROWSER
  if (named !== undefined && named !== "") return named
  const onPath = (process.env.PATH ?? "").split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)))
  return onPath.find(isExecutable) ?? [chromium.executablePath()].find(existsSync)
}

/** Where the browser is; `undefined` when there is none. */
export const executablePath = find()

if (executablePath === undefined) {
  console.warn(
    "No browser was found, so the tests that need one are left out. Install Chromium or Chrome, or name one in LATCHKEY_TEST_BROWSER."
  )
}

/** Starts it. */
export const launch = (): Promise<Browser> =>
  chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync"
    ]
  })
