/** What finds nothing shows nothing: a secret is collected from wherever it passes, and found in whatever form. */
import { describe, expect, it } from "vitest"
import { inWhole, Secrets } from "./Secrets.js"

const [secretPart, tagPart] = ["s".repeat(43), "t".repeat(22)]
const token = `lk_rt_01k0000000000000000000000a.7.${secretPart}${tagPart}`
const key = Buffer.from("00ff7e8081aa5500deadbeefcafe0102030405060708090a0b0c0d0e0f101112", "hex")
const password = 'päss & "w/ord" +1'

const secretsWith = (secret: string | Uint8Array) => {
  const secrets = new Secrets()
  secrets.add("planted", secret)
  return secrets
}

const isFound = (secret: string | Uint8Array, text: string | Uint8Array): boolean =>
  secretsWith(secret).search({ place: text }).length > 0

describe("a planted secret is found", () => {
  it.each<readonly [form: string, text: string]>([
    ["plain", password],
    ["in hexadecimal", Buffer.from(password).toString("hex")],
    ["in capital hexadecimal", Buffer.from(password).toString("hex").toUpperCase()],
    ["URL-encoded", encodeURIComponent(password)],
    ["in a query in a query", encodeURIComponent(encodeURIComponent(password))],
    ["form-encoded", new URLSearchParams({ password }).toString()],
    ["in JSON", JSON.stringify({ password })],
    ["in JSON in JSON", JSON.stringify(JSON.stringify({ password: password.replaceAll('"', "") }))],
    ["in HTML", 'value="päss &amp; &quot;w/ord&quot; +1"'],
    ["as a buffer", inWhole(Buffer.from(password))],
    ["as an array", inWhole(new Uint8Array(Buffer.from(password)))],
    ["as an array in JSON", JSON.stringify(Array.from(Buffer.from(password)))],
    ["as an array of bytes in JSON", JSON.stringify(new Uint8Array(Buffer.from(password)))]
  ])("%s", (form, text) => {
    const secret = form === "in JSON in JSON" ? password.replaceAll('"', "") : password
    expect(isFound(secret, `before ${text} after`)).toBe(true)
    expect(isFound(`${secret}!`, `before ${text} after`)).toBe(false)
  })

  it.each([0, 1, 2])("a planted secret is found in base64, %i bytes after the beginning of a group", (shift) => {
    for (const encoding of ["base64", "base64url"] as const) {
      const text = Buffer.concat([Buffer.from("abc".slice(0, shift)), key, Buffer.from("z")]).toString(encoding)
      expect(isFound(key, text), encoding).toBe(true)
    }
  })

  it.each<readonly [form: string, text: string | Uint8Array]>([
    ["as the bytes that it stands for", Buffer.concat([Buffer.from("db"), key, Buffer.from("db")])],
    ["as these in hexadecimal", key.toString("hex")],
    ["as these in base64", key.toString("base64")],
    ["as these in an array", inWhole(new Uint8Array(key))]
  ])("in base64url, %s", (_, text) => {
    expect(isFound(key.toString("base64url"), text)).toBe(true)
  })

  it("a planted secret is found by a part that is secret by itself", () => {
    const secrets = new Secrets()
    secrets.addFromText(`refresh_token=${token}`)
    for (const part of [secretPart, tagPart]) expect(secrets.search({ place: part })).not.toEqual([])
  })

  it("a find names the secret, the place and the form", () => {
    const leak = { kind: "planted", form: "hex", around: expect.stringContaining("key: ") }
    const places = { log: "nothing here", database: `key: ${key.toString("hex")}` }
    expect(secretsWith(key).search(places)).toEqual([{ ...leak, place: "database" }])
  })

  it("a part of a planted secret is not found", () => {
    expect(isFound(password, password.slice(0, -1))).toBe(false)
  })
})

describe("a secret is collected", () => {
  const passed = async (request: Request, response: Response = new Response()) => {
    const secrets = new Secrets()
    await secrets.listen(async () => response)(request)
    return secrets
  }
  const url = "https://auth.example.com/somewhere"
  const secret = "a secret of somebody"
  const form = (fields: Record<string, string>) =>
    new Request(url, { method: "POST", body: new URLSearchParams(fields) })

  const passing: ReadonlyArray<readonly [where: string, request: Request, response?: Response]> = [
    ["from a query", new Request(`${url}?state=${encodeURIComponent(secret)}`)],
    ["from a form, in a field that nobody knows", form({ something_new: secret })],
    ["from JSON", new Request(url, { method: "POST", body: JSON.stringify({ user: { password: secret } }) })],
    ["from Basic authentication", new Request(url, { headers: { authorization: `Basic ${btoa(`me:${secret}`)}` } })],
    ["from a cookie", new Request(url, { headers: { cookie: `a=b_${"x".repeat(9)}; s=${secret}` } })],
    ["from a new cookie", new Request(url), new Response("", { headers: { "set-cookie": `s=${secret}; Path=/` } })],
    ["from a redirect", new Request(url), new Response("", { headers: { location: `/?code=${encodeURI(secret)}` } })],
    ["from an answer", new Request(url), new Response(JSON.stringify({ client_secret: secret }))],
    ["from a page", new Request(url), new Response(`<input type="hidden" name="form" value="${secret}">`)]
  ]
  for (const [where, request, response] of passing) {
    it(where, async () => {
      expect((await passed(request, response)).search({ place: secret })).not.toEqual([])
    })
  }

  it("a secret is collected from a header that should have none", async () => {
    const secrets = await passed(new Request(url, { headers: { "x-other": token } }))
    expect(secrets.search({ place: token })).not.toEqual([])
  })

  it("a public value is not collected", async () => {
    expect((await passed(form({ client_id: "a public client", scope: "notes:read" }))).size).toBe(0)
  })

  it("a short text is not collected, because it could occur by chance", () => {
    expect(() => secretsWith("secret")).toThrow("too short")
  })
})
