/** A web server of https on loopback that publishes client ID metadata documents and keys, as the makers of clients do. */
import { writeFileSync } from "node:fs"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import * as Certificate from "../../support/Certificate.js"
import * as Cli from "../../support/Cli.js"

/** A host of documents. */
export interface DocumentHost {
  readonly origin: string
  /** The variables with which a process trusts the certificate of the host. */
  readonly env: Readonly<Record<string, string>>
  /** Paths of the requests until now. */
  readonly requests: ReadonlyArray<string>
  /** Publishes a JSON value at a path. Returns its URL. */
  readonly publish: (path: string, value: unknown, headers?: Readonly<Record<string, string>>) => string
  /** Publishes a metadata document. Returns its URL, which is the `client_id` in it. */
  readonly publishClient: (path: string, members: Readonly<Record<string, unknown>>) => string
  readonly close: () => Promise<void>
}

interface Published {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Opens a host on a free port. */
export const open = async (): Promise<DocumentHost> => {
  const published = new Map<string, Published>()
  const requests: Array<string> = []
  const own = Certificate.make("IP:127.0.0.1")
  const folder = Cli.newFolder()
  const ca = join(folder, "ca.pem")
  writeFileSync(ca, own.cert)
  const server = createServer(own, (request, response) => {
    const path = request.url ?? "/"
    requests.push(path)
    const found = published.get(path)
    if (found === undefined) response.writeHead(404).end()
    else response.writeHead(200, found.headers).end(found.body)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const publish: DocumentHost["publish"] = (path, value, headers = { "content-type": "application/json" }) => {
    published.set(path, { headers, body: JSON.stringify(value) })
    return `${origin}${path}`
  }
  return {
    origin,
    env: { NODE_EXTRA_CA_CERTS: ca },
    requests,
    publish,
    publishClient: (path, members) => publish(path, { client_id: `${origin}${path}`, ...members }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
        Cli.removeFolder(folder)
      })
  }
}
