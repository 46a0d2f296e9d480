/** The brand of a server: its settings, and the pages that show it. */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"
import * as Raw from "../../support/RawConnection.js"

const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
const uri = `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`
const accept = "text/html,application/xhtml+xml,*/*;q=0.8"

let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
beforeAll(async () => {
  folder = await Cli.temporaryFolder()
  await writeFile(join(folder.path, "logo.svg"), svg)
  await writeFile(join(folder.path, "photo.jpg"), Buffer.from([0xff, 0xd8, 0xff]))
  await writeFile(
    join(folder.path, "large.png"),
    Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(65_536)])
  )
})
afterAll(() => folder.remove())

const file = (content: unknown) => writeFile(join(folder.path, "latchkey.json"), JSON.stringify(content))

describe("the settings of a brand", () => {
  const config = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
    Commands.run(["config", ...args], { cwd: folder.path, env })

  it("the settings of the brand are a group in the file, and their variables win", async () => {
    await file({ brand: { name: "Notes", logo: "logo.svg", color: "#6d28d9" } })
    const env = { LATCHKEY_BRAND_NAME: "Diary", LATCHKEY_BRAND_COLOR_DARK: "#c4b5fd" }
    const { code, stdout } = await config(["--config", "latchkey.json", "--json"], env)
    expect(code).toBe(0)
    expect(JSON.parse(stdout).brand).toEqual({
      name: "Diary",
      logo: "logo.svg",
      color: "#6d28d9",
      colorDark: "#c4b5fd"
    })
    const table = await config(["--config", "latchkey.json"], env)
    expect(table.stdout).toMatch(/^brand\.name +Diary +variable$/m)
    expect(table.stdout).toMatch(/^brand\.color +#6d28d9 +file$/m)
    expect(table.stdout).toMatch(/^brand\.supportUrl +- +default$/m)
  })

  it.each([
    [{ NAME: "x".repeat(41) }, "LATCHKEY_BRAND_NAME: give a name of 1 to 40 characters, without spaces around it"],
    [{ COLOR: "purple" }, "LATCHKEY_BRAND_COLOR: give a colour such as #1f4d40"],
    [{ COLOR: "#ffd400" }, /^LATCHKEY_BRAND_COLOR: buttons of #ffd400 cannot be seen .* such as #[0-9a-f]{6}$/],
    [{ COLOR_DARK: "#000" }, /^LATCHKEY_BRAND_COLOR_DARK: .* lighter colour, such as #[0-9a-f]{6}$/],
    [{ SUPPORT_URL: "http://help.example" }, /^LATCHKEY_BRAND_SUPPORT_URL: give an https URL, or "mailto:"/],
    [{ LOGO: "logo.svg" }, "LATCHKEY_BRAND_LOGO: give a name, too: it says what the logo is"],
    [{ LOGO: "none.svg" }, "LATCHKEY_BRAND_LOGO: none.svg: this file cannot be read (ENOENT)"],
    [{ LOGO: "." }, "LATCHKEY_BRAND_LOGO: .: this file cannot be read (EISDIR)"],
    [{ LOGO: "" }, "LATCHKEY_BRAND_LOGO: give the path of a file"],
    [{ NAME: "Notes", LOGO: "photo.jpg" }, /photo\.jpg: the image is no PNG, SVG or WebP: give one of these$/],
    [{ NAME: "Notes", LOGO: "large.png" }, /large\.png: the image is larger than 65536 bytes: give a smaller one$/]
  ] as const)("the brand %j is refused with a remedy", async (variables, message) => {
    const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [`LATCHKEY_BRAND_${name}`, value]))
    const { code, stderr } = await config([], env)
    expect(code).toBe(2)
    expect(stderr.trim().replace(/^latchkey: /, "")).toEqual(
      typeof message === "string" ? message : expect.stringMatching(message)
    )
  })

  it.each([
    [{ brand: "Notes" }, "latchkey.json: brand: give an object with one or more of name, logo, color, "],
    [{ brand: [] }, "latchkey.json: brand: give an object with"],
    [{ brand: null }, "latchkey.json: brand: give an object with"],
    [{ brand: { nam: "Notes" } }, "latchkey.json: brand.nam: there is no such setting"],
    [{ brand: { brandName: "Notes" } }, "latchkey.json: brand.brandName: there is no such setting"],
    [{ brandName: "Notes" }, "latchkey.json: brandName: there is no such setting"],
    [{ "brand.name": "Notes" }, "latchkey.json: brand.name: there is no such setting"],
    [{ brand: { name: 1 } }, "latchkey.json: brand.name: give a text"],
    [{ brand: { logo: "none.svg" } }, "latchkey.json: brand.logo: none.svg: this file cannot be read (ENOENT)"]
  ])("the file %j is refused", async (content, message) => {
    await file(content)
    const { code, stderr } = await config(["--config", "latchkey.json"])
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})

describe("a server with a brand", () => {
  let server: Cli.Server
  beforeAll(async () => {
    await file({ brand: { name: "Notes", logo: "logo.svg", color: "#6d28d9", supportUrl: "https://help.example/" } })
    server = await Cli.startServer({ args: ["--demo", "--config", "latchkey.json"], folder: folder.path })
  })
  afterAll(() => server?.stop())

  const expectBranded = (page: string) => {
    expect(page).toMatch(/<title>([^<]+ – )?Notes<\/title>/)
    expect(page).toContain(`<img class="logo" src="${uri}" alt="Notes logo">`)
    expect(page).toContain('href="https://help.example/"')
    expect(page).toContain("--door: #6d28d9;")
    expect(page).not.toContain("Latchkey")
  }

  it.each([
    ["/", 200],
    ["/account", 200],
    ["/logout", 200],
    ["/authorize", 400],
    ["/login", 405],
    ["/first-account", 410],
    ["/mcp", 405],
    ["/api", 200],
    ["/token", 405],
    ["/register", 405],
    ["/nowhere", 404],
    ["/mcp/nowhere", 404],
    ["/api/nowhere", 404],
    ["/TOKEN", 404]
  ])("a browser sees the brand at %s", async (path, status) => {
    const response = await fetch(`${server.url}${path}`, { headers: { accept } })
    expect(response.status).toBe(status)
    expect(response.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-[^' ]+'; img-src data:; base-uri 'none'; frame-ancestors 'none'$/
    )
    expectBranded(await response.text())
  })

  it("a browser with too large headers sees the brand (RFC 6585 §5)", async () => {
    const connection = await Raw.connect(Number(new URL(server.url).port))
    connection.write(Raw.request("GET /account", { Accept: accept, Cookie: "x".repeat(17_000) }))
    const answer = Buffer.from(await connection.closed(), "latin1").toString("utf8")
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
    expect(answer).toMatch(/^content-security-policy: .*; img-src data:;/m)
    expectBranded(answer.slice(answer.indexOf("\r\n\r\n")))
  })

  it("the documentation of the API has the name of the brand", async () => {
    const page = await (await fetch(`${server.url}/api/docs`)).text()
    expect(page).toContain("<title>Notes Documentation</title>")
  })

  it.each(["/nowhere", "/mcp", "/token"])("a program gets JSON at %s", async (path) => {
    const response = await fetch(`${server.url}${path}`, { headers: { accept: "application/json" } })
    expect(response.headers.get("content-type")).toBe("application/json")
    expect(await response.json()).toHaveProperty("error")
  })
})
