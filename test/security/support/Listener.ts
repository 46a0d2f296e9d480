/** A loopback port that counts connections: zero if a server fetches nothing. */

import type { AddressInfo } from "node:net"
import { createServer } from "node:net"

/** Runs `use` with a port, and returns the number of connections to it. */
export const connectionsTo = async (use: (port: number) => Promise<unknown>): Promise<number> => {
  let connections = 0
  const listener = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve))
  try {
    await use((listener.address() as AddressInfo).port)
    return connections
  } finally {
    listener.close()
  }
}
