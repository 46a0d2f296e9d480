/** A port of loopback that counts who connects: where a server must fetch nothing, nobody does. */

import type { AddressInfo } from "node:net"
import { createServer } from "node:net"

/** Gives a port to `use`, and returns how many connections were made to it meanwhile. */
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
