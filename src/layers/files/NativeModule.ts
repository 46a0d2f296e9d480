/** Errors of native modules that this process cannot load: they name the module and the command that builds it. */
import { codeOf } from "./ErrorCode.js"

/** A native module cannot be loaded. The message is one sentence for the operator. */
export class NativeModuleError extends Error {
  override readonly name = "NativeModuleError"
}

/** Returns whether an exception means that the native part of a package is missing, or was built for another Node or system. */
export const isUnloadable = (cause: unknown): boolean =>
  /^(ERR_DLOPEN_FAILED|MODULE_NOT_FOUND|ERR_MODULE_NOT_FOUND)$/.test(codeOf(cause)) ||
  (cause instanceof Error && /Could not locate the bindings file|Cannot find native binding/.test(cause.message))

/** Returns the message about a package whose install script builds or downloads its native part. pnpm 10 does not run it by itself. */
export const notBuilt = (name: string): string =>
  `${name} has no native module that this Node (${process.version}) can load, because its install script was not run or because it was built for another Node: run npm rebuild ${name}, or with pnpm: pnpm approve-builds`

/** Returns the message about a package whose native part is an optional dependency, which the installation selects. */
export const notInstalled = (name: string): string =>
  `${name} has no native module that this Node (${process.version}) can load on ${process.platform}-${process.arch}: install the packages again on this machine, without leaving out optional dependencies`
