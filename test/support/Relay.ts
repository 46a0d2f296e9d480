/** A wire between a store and its server that fails when it is told to. */
import * as Net from "node:net"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

/** How the server ends an answer when no transaction is open: ReadyForQuery, idle. What it did is committed then. */
const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

export interface Relay {
  /** The address of the database, by way of the relay. */
  readonly url: Redacted.Redacted
  /** Lets the server do the next statements in which this text stands, and cuts the connection instead of answering. */
  readonly loseAnswers: (text: string, count: number) => void
  /** Cuts the connection instead of passing on the next statement in which this text stands. */
  readonly cutBefore: (text: string) => void
  /** Holds the answers of the server, from now on until the client has sent this text. */
  readonly holdAnswersUntil: (text: string) => void
  /** How many answers were lost. */
  readonly lost: () => number
  /** From now on nothing passes on the connections there are, and nobody is told; new ones are sound. */
  readonly stall: () => void
  /** Breaks the connections there are, and leads new ones to this port of this machine; to nobody when it is not given. */
  readonly leadTo: (port?: number) => void
}

export interface Listening extends Relay {
  /** Where it listens. */
  readonly port: number
  readonly href: string
  readonly close: () => void
}

/** A relay to a server, until it is closed. */
export const listen = (url: URL): Promise<Listening> =>
  new Promise((resolve) => {
    const sockets = new Set<Net.Socket>()
    const silent = new Set<Net.Socket>()
    let forbidden: string | undefined
    let armed = { text: "", count: 0 }
    let held: { readonly text: string; readonly passOn: Array<() => void> } | undefined
    let lost = 0
    let target: { readonly port: number; readonly host: string } | undefined = {
      port: Number(url.port),
      host: url.hostname
    }
    const relay = Net.createServer((client) => {
      if (target === undefined) return void client.destroy()
      const server = Net.connect(target)
      let isLosing = false
      const cut = () => {
        client.destroy()
        server.destroy()
      }
      for (const socket of [client, server]) {
        sockets.add(socket)
        socket.on("error", cut)
        socket.on("close", () => {
          sockets.delete(socket)
          cut()
        })
      }
      client.on("data", (data) => {
        if (silent.has(client)) return
        if (forbidden !== undefined && data.includes(forbidden)) {
          forbidden = undefined
          return cut()
        }
        if (armed.count > 0 && data.includes(armed.text)) {
          armed.count -= 1
          isLosing = true
        }
        server.write(data)
        if (held === undefined || !data.includes(held.text)) return
        for (const passOn of held.passOn) passOn()
        held = undefined
      })
      server.on("data", (data) => {
        if (silent.has(server)) return
        if (held !== undefined) return void held.passOn.push(() => client.write(data))
        if (!isLosing) return void client.write(data)
        if (!data.subarray(-ready.length).equals(ready)) return
        lost += 1
        cut()
      })
    })
    relay.listen(0, "127.0.0.1", () => {
      const through = new URL(url)
      const { port } = relay.address() as Net.AddressInfo
      through.host = `127.0.0.1:${port}`
      resolve({
        port,
        href: through.href,
        url: Redacted.make(through.href),
        loseAnswers: (text, count) => {
          armed = { text, count }
        },
        cutBefore: (text) => {
          forbidden = text
        },
        holdAnswersUntil: (text) => {
          held = { text, passOn: [] }
        },
        lost: () => lost,
        stall: () => {
          for (const socket of sockets) silent.add(socket)
        },
        leadTo: (port) => {
          target = port === undefined ? undefined : { port, host: "127.0.0.1" }
          for (const socket of sockets) socket.destroy()
        },
        close: () => {
          relay.close()
          for (const socket of sockets) socket.destroy()
        }
      })
    })
  })

/** A relay to a database, gone with the scope. */
export const to = (database: Redacted.Redacted) =>
  Effect.acquireRelease(
    Effect.promise(() => listen(new URL(Redacted.value(database)))),
    (relay) => Effect.sync(() => relay.close())
  )
