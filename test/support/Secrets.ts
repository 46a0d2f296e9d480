/**
 * Every secret of a run, collected as it passes the wire, and looked for wherever something is kept: as it is, and in
 * whatever form programs write texts and bytes. What may be kept is a digest or a seal, and in neither is it found.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { inspect } from "node:util"

/** A secret that was found where something is kept. */
export interface Leak {
  readonly place: string
  /** What it is, such as "password" or "cookie". */
  readonly kind: string
  /** How it is written there. */
  readonly form: string
  readonly around: string
}

/** What is searched: a name for each text, or for the bytes of a file. */
export type Places = Readonly<Record<string, string | Uint8Array>>

/** Fields of forms and queries that anybody may know. Whatever else stands in one is taken for a secret. */
const publicFields = new Set([
  ...["client_id", "redirect_uri", "response_type", "grant_type", "scope", "resource", "prompt", "max_age", "iss"],
  ...["code_challenge", "code_challenge_method", "token_type_hint", "error", "error_description"],
  ...["username", "decision", "action", "done", "uri"]
])

/** Members of JSON that nobody else may know; most of what is JSON here is public. */
const secretMembers =
  /"(?:password|client_secret|introspection_secret|access_token|registration_access_token|initial_access_token|refresh_token|code|code_verifier)":"([^"\\]+)"/g

/** Codes, tokens, secrets and seals of ours, wherever they stand. */
const ours = /lk_[a-z]{2}_[A-Za-z0-9_.-]{20,}/g

/** The parts of these that are secret by themselves: what follows the id of a grant or of a key. */
const parts = [
  /^lk_(?:ac_[0-9a-z]{26}|at_.{8}|fm_.{8}|cs_|rs_|ia_|ra_)(.+)$/,
  // The secret of a generation, and its tag.
  /^lk_rt_[0-9a-z]{26}\.[0-9]+\.(.{43})(.{22})$/
]

/** Shorter ones would be found by chance. */
const shortest = 8

export class Secrets {
  readonly #kinds = new Map<string, string>()

  /** How many secrets there are. */
  get size(): number {
    return this.#kinds.size
  }

  /** The secrets of each kind. */
  counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {}
    for (const kind of this.#kinds.values()) counts[kind] = (counts[kind] ?? 0) + 1
    return counts
  }

  /** Adds a secret that does not pass the wire, or that nothing on the wire shows to be one. */
  add(kind: string, secret: string | Uint8Array): void {
    const text = Buffer.from(secret as string).toString("latin1")
    if (text.length < shortest) throw new Error(`the ${kind} ${JSON.stringify(secret)} is too short to be looked for`)
    if (!this.#kinds.has(text)) this.#kinds.set(text, kind)
  }

  /** The same server, with an ear at the wire: whatever is secret in either direction is added. */
  listen(fetch: (request: Request) => Promise<Response>): (request: Request) => Promise<Response> {
    return async (input) => {
      // Some of what calls gives a URL, as `fetch` allows.
      const request = new Request(input)
      this.addFromUrl(request.url)
      await this.#addFrom(request.clone())
      const response = await fetch(request)
      await this.#addFrom(response.clone())
      return response
    }
  }

  addFromUrl(url: string): void {
    const query = url.split("#", 1)[0]?.split("?").slice(1).join("?") ?? ""
    if (query.length < shortest) return
    this.add("query", query)
    this.#addFields(query)
    this.addFromText(query)
  }

  /** Adds what is secret in a text of any kind, by its looks. */
  addFromText(text: string): void {
    for (const [secret] of text.matchAll(ours)) {
      const prefix = secret.slice(0, "lk_xx_".length)
      this.add(prefix, secret)
      const [, ...found] = parts.flatMap((pattern) => pattern.exec(secret) ?? [])
      for (const part of found) this.add(`part of ${prefix}`, part)
    }
    for (const [, secret = ""] of text.matchAll(secretMembers)) this.add("member", secret)
  }

  /** Where these secrets stand. */
  search(places: Places): ReadonlyArray<Leak> {
    const index = new Map<string, Array<{ readonly kind: string; readonly form: string; readonly text: string }>>()
    for (const [secret, kind] of this.#kinds) {
      for (const [form, text] of formsOf(secret)) {
        const head = text.slice(0, shortest)
        index.set(head, [...(index.get(head) ?? []), { kind, form, text }])
      }
    }
    const leaks = new Map<string, Leak>()
    for (const [place, content] of Object.entries(places)) {
      const text = Buffer.from(content as string).toString("latin1")
      for (let at = 0; at + shortest <= text.length; at++) {
        for (const { form, kind, text: secret } of index.get(text.slice(at, at + shortest)) ?? []) {
          const name = JSON.stringify([place, kind, form])
          if (leaks.has(name) || !text.startsWith(secret, at)) continue
          leaks.set(name, { place, kind, form, around: text.slice(Math.max(0, at - 80), at + secret.length + 40) })
        }
      }
    }
    return [...leaks.values()]
  }

  async #addFrom(message: Request | Response): Promise<void> {
    for (const [name, value] of message.headers) {
      this.addFromText(value)
      if (name === "authorization") this.#addAuthorization(value)
      if (name === "cookie") for (const cookie of value.split("; ")) this.#addCookie(cookie)
      if (name === "set-cookie") this.#addCookie(value.split(";", 1)[0] ?? "")
      if (name === "location") this.addFromUrl(value)
    }
    const body = await message.text()
    this.addFromText(body)
    if (message.headers.get("content-type")?.startsWith("application/x-www-form-urlencoded")) this.#addFields(body)
    for (const [, secret = ""] of body.matchAll(/name="form" value="([^"]+)"/g)) this.add("form", secret)
  }

  #addFields(encoded: string): void {
    for (const [name, value] of new URLSearchParams(encoded)) {
      if (!publicFields.has(name) && value !== "") this.add(name, value)
    }
  }

  #addCookie(cookie: string): void {
    const value = cookie.slice(cookie.indexOf("=") + 1)
    if (value !== "") this.add("cookie", value)
  }

  #addAuthorization(value: string): void {
    const [scheme = "", credentials = ""] = value.split(" ")
    if (credentials.length < shortest) return
    this.add("credentials", credentials)
    if (scheme.toLowerCase() !== "basic") return
    const pair = Buffer.from(credentials, "base64").toString()
    this.add("credentials", pair)
    const secret = pair.slice(pair.indexOf(":") + 1)
    if (secret.length >= shortest) this.add("client secret", secret)
  }
}

type Forms = ReadonlyArray<readonly [form: string, text: string]>

/** All that a secret may be written as; a byte is a character here. */
const formsOf = (secret: string): Forms => {
  const isBase64Url = /^[A-Za-z0-9_-]{16,}$/.test(secret)
  const decoded = Buffer.from(secret, "base64url").toString("latin1")
  return [
    ...formsOfBytes(secret),
    ...formsOfText(secret),
    ...(isBase64Url ? formsOfBytes(decoded).map(([form, text]) => [`base64url-decoded, ${form}`, text] as const) : [])
  ]
}

const formsOfBytes = (secret: string): Forms => {
  const bytes = Buffer.from(secret, "latin1")
  const hex = bytes.toString("hex")
  const encoded = [0, 1, 2].map((shift) => ["base64", inBase64(bytes, shift)] as const)
  return [
    ["plain", secret],
    ["hex", hex],
    ["hex", hex.toUpperCase()],
    // As `inspect` writes a buffer, and then, with JSON, other arrays of bytes.
    ["hex", hex.replaceAll(/..(?!$)/g, "$& ")],
    ...encoded,
    ...encoded.map(([, text]) => ["base64url", text.replaceAll("+", "-").replaceAll("/", "_")] as const),
    ["numbers", [...bytes].join(", ")],
    ["numbers", [...bytes].join(",")],
    ["numbers", [...bytes].map((byte, i) => `"${i}":${byte}`).join(",")]
  ]
}

/** What of a text in base64 is the secret's alone, which begins that many bytes after a multiple of three. */
const inBase64 = (bytes: Buffer, shift: number): string => {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64")
  return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6))
}

const formsOfText = (secret: string): Forms => {
  const text = Buffer.from(secret, "latin1").toString()
  const inUrl = encodeURIComponent(text)
  return Object.entries({
    "URL-encoded": inUrl,
    "form-encoded": new URLSearchParams([["", text]]).toString().slice(1),
    "URL-encoded twice": encodeURIComponent(inUrl),
    "in JSON": JSON.stringify(text).slice(1, -1),
    "in HTML": text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;")
  }).flatMap(([form, written]) => (written === text ? [] : [[form, Buffer.from(written).toString("latin1")] as const]))
}

/** All that is in a value, private members and causes too, on one line. */
export const inWhole = (value: unknown): string =>
  inspect(value, {
    depth: Number.POSITIVE_INFINITY,
    maxArrayLength: null,
    maxStringLength: null,
    showHidden: true,
    compact: true,
    breakLength: Number.POSITIVE_INFINITY
  })

/** The files of a folder, by their names: but for the one that holds the master key. */
export const filesOf = (folder: string): Places =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => !name.endsWith(".key"))
      .map((name) => [name, readFileSync(join(folder, name))])
  )

/** The master key that lies beside a database. */
export const masterKeyOf = (filename: string): string => readFileSync(`${filename}.key`, "utf8").trim()
