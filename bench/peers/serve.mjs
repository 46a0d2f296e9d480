/** The end of every peer's server. */

/** The port, and the folder for files. */
export const { DATA = ".", PORT } = process.env

/** The origin of the server. */
export const origin = `http://127.0.0.1:${PORT}`

/** The redirect URI of the clients. */
export const redirectUri = "https://app.example/cb"

/** The secret of the confidential client. */
export const secret = "conf-secret-conf-secret-conf-secret"

/** Makes the process end at SIGTERM, after its storage is closed. */
export const stopAtSignal = (server, close = () => {}) => {
  process.on("SIGTERM", () => {
    server.close()
    server.closeAllConnections()
    close()
    process.exit(0)
  })
}

/** Sets a SQLite file as the bench asks of every peer: WAL, `synchronous=NORMAL`, 64 MiB of cache. */
export const tune = (db) => {
  for (const pragma of ["journal_mode = WAL", "synchronous = NORMAL", "cache_size = -65536", "mmap_size = 268435456"]) {
    db.pragma(pragma)
  }
  return db
}
