/** Readings of the Linux kernel: processor time, memory and cores. Processes are pinned with `taskset`. */
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

/**
 * Pins a process and its threads to cores, such as "1" or "0,1".
 *
 * @param {number} pid
 * @param {string} cores
 */
export const pin = (pid, cores) => {
  execFileSync("taskset", ["-acp", cores, String(pid)], { stdio: "ignore" })
}

/**
 * Returns a process and all its descendants.
 *
 * @param {number} pid
 * @returns {Array<number>}
 */
export const processTree = (pid) => {
  const children = Fs.readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    try {
      return Fs.readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number)
    } catch {
      return []
    }
  })
  return [pid, ...children.flatMap(processTree)]
}

/**
 * Returns the processor time that the threads of the processes have used, in nanoseconds.
 *
 * @param {ReadonlyArray<number>} pids
 */
export const cpuNanos = (pids) => {
  let nanos = 0
  for (const pid of pids) {
    for (const task of Fs.readdirSync(`/proc/${pid}/task`)) {
      try {
        nanos += Number(Fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ", 1)[0])
      } catch {
        // The thread has ended since the folder was read.
      }
    }
  }
  return nanos
}

/** Returns the time that all cores were busy since the machine started, in nanoseconds. */
export const busyNanos = () => {
  const [line = ""] = Fs.readFileSync("/proc/stat", "utf8").split("\n", 1)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq + steal) * 1e7
}

/** Number of cores. */
export const cores = Os.cpus().length

/**
 * Returns the resident memory of processes, in MiB.
 *
 * @param {ReadonlyArray<number>} pids
 */
export const residentMiB = (pids) =>
  pids.reduce((sum, pid) => {
    const [, kib = "0"] = /VmRSS:\s+(\d+)/.exec(Fs.readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
    return sum + Number(kib) / 1024
  }, 0)

/**
 * Returns the size of all files below a folder, in bytes.
 *
 * @param {string} folder
 */
export const folderBytes = (folder) =>
  Fs.readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => Fs.statSync(Path.join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0)

/** Returns the machine as the document shows it. */
export const describe = () => ({
  processor: Os.cpus()[0]?.model.trim() ?? "unknown",
  cores,
  memoryGiB: Math.round(Os.totalmem() / 2 ** 30),
  system: `Linux ${Os.release().split("-", 1)[0]}`,
  node: process.version
})

/** @param {number} millis */
export const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis))
