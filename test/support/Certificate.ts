/** Certificates that the tests make with `openssl`. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A certificate that signs itself, and its key, in PEM. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** Makes a certificate for a name, such as `DNS:keys.example.com` or `IP:127.0.0.1`. */
export const make = (name: string): Certificate => {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-certificate-"))
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")]
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyFile]
  const subject = ["-subj", `/CN=${name.replace(/^\w+:/, "")}`, "-addext", `subjectAltName=${name}`]
  try {
    execFileSync("openssl", ["req", "-x509", "-days", "2", ...key, ...subject, "-out", certFile], { stdio: "ignore" })
    return { key: readFileSync(keyFile, "utf8"), cert: readFileSync(certFile, "utf8") }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
