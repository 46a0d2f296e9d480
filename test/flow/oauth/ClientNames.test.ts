/** The name, the web site and the host of a self-registered app on the pages. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ClientId } from "../../../src/domain/Client.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import type { Page } from "../support/Browser.js"
import { type Client, issuer, password, redirectUri, type TestServer, test } from "../support/Server.js"

const hex = (character: string) => `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`

/** The response to a registration: its status, and the error with its description. */
const registration = async (server: TestServer, client_name: unknown) => {
  const answer = await server.send("/register", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ redirect_uris: [redirectUri], client_name })
  })
  const { error, error_description } = (await answer.json()) as Readonly<Record<string, string | undefined>>
  return error === undefined ? `${answer.status}` : `${answer.status} ${error}: ${error_description}`
}

/** Characters that a name may not have, by their names in the error. */
const refused = {
  "a control character": ["\0", "\u0007", "\t", "\n", "\u001b", "\u007f", "\u0085", "\u009b"],
  "half of a surrogate pair": ["\ud800", "\udfff"],
  "a line break": ["\u2028", "\u2029"],
  "a character that changes the direction of text": [
    "\u061c",
    "\u200e",
    "\u200f",
    "\u202a",
    "\u202e",
    "\u2066",
    "\u2069"
  ],
  "an invisible character": [
    ...["\u00ad", "\u034f", "\u115f", "\u1160", "\u17b4", "\u180b", "\u180e", "\u200b", "\u200c", "\u2060", "\u2064"],
    ...["\u206a", "\u3164", "\ufe00", "\ufeff", "\uffa0", "\ufff0", "\ufff9", "\u{1bca0}", "\u{1d173}", "\u{e0001}"],
    ...["\u{e0041}", "\u{e0100}", "\u{e0fff}"]
  ],
  "a blank character": ["\u2800", "\ufffc", "\u{1d159}", "\u{13441}", "\u{16fe4}"],
  "a private use character": ["\ue000", "\uf8ff", "\u{f0000}", "\u{10fffd}"],
  "an unassigned character": ["\u0378", "\ufdd0", "\uffff", "\u{1fffe}", "\u{10ffff}"]
}

describe("a registration", () => {
  test("a client_name with an invisible character is refused, and the error names the character", async (server) => {
    for (const [kind, characters] of Object.entries(refused)) {
      for (const character of characters) {
        const expected = `400 invalid_client_metadata: the member client_name holds ${hex(character)}, ${kind}`
        for (const name of [`Your ${character}Bank`, `${character}Bank`, `Bank${character}`, character]) {
          expect(await registration(server, name), hex(character)).toBe(expected)
        }
      }
    }
  })

  test("a client_name with an emoji joiner or variation selector is refused, because these hide between letters too", async (server) => {
    const invisible = "an invisible character"
    for (const [name, codePoint] of [
      ["Family \u{1f468}\u200d\u{1f469}", `U+200D, ${invisible}`],
      ["Notes \u270f\ufe0f", `U+FE0F, ${invisible}`],
      ["Flag \u{1f3f4}\u{e0067}\u{e0062}\u{e007f}", `U+E0067, ${invisible}`]
    ] as const) {
      expect(await registration(server, name)).toContain(`client_name holds ${codePoint}`)
    }
    for (const name of ["\u{1f511}", "Notes \u270f", "Thumb \u{1f44d}\u{1f3fd}", "Flag \u{1f1e8}\u{1f1ed}"]) {
      expect(await registration(server, name), name).toBe("201")
    }
  })

  test("a client_name that shows nothing is refused", async (server) => {
    for (const name of [" ", "   ", "\u00a0", "\u2003\u2009", "\u3000", "\u1680", " \u0301", "\u20dd"]) {
      expect(await registration(server, name), JSON.stringify(name)).toBe(
        "400 invalid_client_metadata: the member client_name holds nothing that can be seen"
      )
    }
  })

  test("a client_name with more than four marks on a letter is refused", async (server) => {
    const message = "the member client_name holds more than 4 combining marks on one letter, the next is"
    for (const mark of ["\u0301", "\u0336", "\u20dd", "\u0489", "\u{1e8d0}"]) {
      expect(await registration(server, `Z${mark.repeat(5)}algo`), hex(mark)).toContain(`${message} ${hex(mark)}`)
      expect(await registration(server, `Z${mark.repeat(4)}a${mark.repeat(4)}`), hex(mark)).toBe("201")
    }
  })

  test("a client_name in any script is accepted", async (server) => {
    const names = [
      ...[
        "Notes für alle",
        "Zoe\u0308 Łukasz",
        "Tiê\u0309ng Việt",
        "Заметки",
        "Σημειώσεις",
        "הערות",
        "שָּׁ֑לוֹם",
        "ملاحظات"
      ],
      ...[
        "हिन्दी क्ष्म्य",
        "বাংলা",
        "தமிழ்",
        "ไทยที่นี่",
        "မြန်မာ လျှော့",
        "ខ្មែរ",
        "བསྒྲུབས་",
        "日本語ノート",
        "한국어",
        "ノート\u3000帳"
      ],
      ...["«\u00a0Notes\u00a0»", "@scope/pkg (v1.2)", "C++ & C#", "100 %", "♥", "🔑"]
    ]
    for (const name of names) expect(await registration(server, name), name).toBe("201")
  })
})

/** A client that an earlier version stored, which checked names less strictly. */
const stored = async (server: TestServer, client_name: string): Promise<Client> => {
  const fresh = await server.register()
  const id = ClientId.make(`old-${fresh.client_id}`)
  await server.run(
    Effect.gen(function* () {
      const clients = yield* ClientStore
      const known = Option.getOrThrow(yield* clients.find(yield* Schema.decode(ClientId)(fresh.client_id)))
      yield* clients.insert({ ...known, id, metadata: { ...known.metadata, client_name } })
    })
  )
  return { ...fresh, client_id: id }
}

const nameOn = (page: Page) => page.document.querySelector(".app-name")?.textContent

/** Every page that shows the name of a client, by the page's name. */
const everyPage = async (server: TestServer, client: Client): Promise<ReadonlyArray<readonly [string, Page]>> => {
  const browser = server.browser()
  const login = await browser.open((await server.request(client)).url)
  const again = await browser.submit(login, { fields: { username: "ada", password: "wrong password" } })
  const consent = await browser.submit(again, { fields: { username: "ada", password } })
  const notice = await browser.open((await server.request(client, { scope: 'ad"min' })).url)
  await browser.submit(consent, { button: "allow" })
  const account = await browser.open(`${issuer}/account`)
  await browser.submit(account, { button: "withdraw" })
  return Object.entries({ login, again, consent, notice, account })
}

describe("a client that an earlier version stored", () => {
  test("every page shows the visible part of a stored name", async (server) => {
    for (const [name, shown] of [
      ["\u202eknab\u200b \u2066your\u0007 app\u2028", "knab your app"],
      ["Your\u2028Bank\ttoday\u3164\u2800\ufe0f", "Your Bank today"],
      ["Bank\u2003\u00a0\u3000\u200b \u00a0of Notes", "Bank of Notes"],
      [`Z${"\u0336".repeat(60)}algo\ue000`, `Z${"\u0336".repeat(4)}algo`],
      ["👨\u200d👩 at \u270f\ufe0f", "👨👩 at \u270f"]
    ] as const) {
      for (const [at, page] of await everyPage(server, await stored(server, name))) {
        expect(nameOn(page), `${at}: ${shown}`).toBe(shown)
      }
    }
  })

  test("every page shows the client id if a stored name shows nothing", async (server) => {
    for (const name of ["\u200b\u202e", "\u3164", "\u2800\u2800", "\u00a0\u3000", "\ufe0f\u0301", "\ue000"]) {
      const client = await stored(server, name)
      for (const [at, page] of await everyPage(server, client)) {
        expect(nameOn(page), `${at}: ${hex(name)}`).toBe(client.client_id)
      }
    }
  })
})

describe("an app that registered itself", () => {
  test("every page calls a self-registered app unverified once, directly after its name; an operator's app is not", async (server) => {
    const own = await server.register({ client_name: "Notes" })
    for (const [at, { html }] of await everyPage(server, own)) {
      const [, rest = ""] = html.split(/<bdi class="name app-name"[^>]*>Notes<\/bdi>(?: wants to access .*<\/h1>)?/)
      const text = rest.replace(/<[^>]*>/g, "").trim()
      expect(text, at).toMatch(/^Unverified: this app registered itself, and its name was not checked\./)
      expect(html.split("Unverified:").length, at).toBe(html.split("app-name").length - 1)
      const field = html.indexOf('name="password"')
      if (at === "login" || at === "again") expect(field, at).toBeGreaterThan(html.indexOf("Unverified:"))
    }
    const operators = await server.addClient({
      client_name: "Notes",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code"],
      token_endpoint_auth_method: "none"
    })
    for (const [at, page] of await everyPage(server, operators)) {
      expect(nameOn(page), at).toBe("Notes")
      expect(page.html, at).not.toMatch(/unverified/i)
    }
  })

  test("the accessible name of the button that removes access calls a self-registered app unverified", async (server) => {
    const pages = await everyPage(server, await server.register({ client_name: "Notes" }))
    const account = pages.find(([at]) => at === "account")?.[1]
    expect(account?.document.querySelector("section button")?.textContent).toContain(
      "Remove access for Notes (unverified)"
    )
  })

  test("every page shortens a long name between characters", async (server) => {
    for (const [name, shown] of [
      ["x".repeat(48), "x".repeat(48)],
      ["x".repeat(49), `${"x".repeat(47)}…`],
      ["W".repeat(200), `${"W".repeat(47)}…`],
      ["🔑".repeat(100), `${"🔑".repeat(47)}…`],
      ["e\u0301\u0323".repeat(60), `${"e\u0301\u0323".repeat(47)}…`],
      [`${"x".repeat(46)} ${"y".repeat(50)}`, `${"x".repeat(46)}…`],
      // A letter of 100 parts that no font joins.
      ["\u1100".repeat(100), `${"\u1100".repeat(47)}…`]
    ] as const) {
      for (const [at, { html, document }] of await everyPage(server, await server.register({ client_name: name }))) {
        expect(document.querySelector(".app-name")?.textContent, at).toBe(shown)
        if (name !== shown) expect(html.includes(name), at).toBe(false)
      }
    }
  })

  test("a long host is shortened at its front, so that its registered domain is always shown", async (server) => {
    const label = "a".repeat(63)
    const registered = `${"r".repeat(63)}.${"xn--vermgensberatung-pwb"}`
    for (const [host, shown] of [
      [`${"accounts.bank.example.".repeat(5)}evil.example`, undefined],
      [
        `${"accounts.bank.example.".repeat(9)}evil.example`,
        /^…\.(bank\.)?(example\.)?(accounts\.bank\.example\.){5}evil\.example$/
      ],
      [`accounts.bank.example.${label}.${label}.${registered}`, new RegExp(`^…\\.${registered}$`)],
      [`accounts.bank.example.${label}.${registered}:8443`, new RegExp(`^…\\.${registered}:8443$`)],
      [`${"xn--mnchen-3ya.".repeat(15)}example`, /^…\.(xn--mnchen-3ya\.)+example$/]
    ] as const) {
      const target = `https://${host}/callback`
      const client = await server.register({ redirect_uris: [target], client_uri: `https://${host}/about` })
      const browser = server.browser()
      const login = await browser.open((await server.request(client, { redirect_uri: target })).url)
      const consent = await server.logIn(browser, login)
      const notice = await browser.open((await server.request(client, { redirect_uri: target, scope: 'ad"min' })).url)
      const hosts = [login, consent, notice].flatMap(({ document }) =>
        document.querySelectorAll("b bdi, .site bdi").map(({ textContent }) => textContent)
      )
      expect(hosts.length, host).toBe(5)
      for (const text of hosts) {
        expect(text.length).toBeLessThanOrEqual(128)
        expect(text, host).toMatch(shown ?? new RegExp(`^${host}$`))
      }
    }
  })

  test("a long private-use scheme is shortened at its end", async (server) => {
    for (const [scheme, shown] of [
      ["com.example.app", "com.example.app"],
      [`com.example.${"part.".repeat(60)}app`, `com.example.${"part.".repeat(23)}…`],
      [`com.${"x".repeat(300)}`, `com.${"x".repeat(123)}…`]
    ] as const) {
      const target = `${scheme}:/callback`
      const client = await server.register({ redirect_uris: [target] })
      const { page } = await server.toConsent(client, { redirect_uri: target })
      expect(page.document.querySelector(".warn b")?.textContent).toBe(`${shown}:`)
    }
  })
})

describe("the web site of a client", () => {
  const sites: ReadonlyArray<readonly [why: string, redirect: string, client_uri: string]> = [
    ["another host", redirectUri, "https://bank.example/"],
    ["a subdomain of the target's host", redirectUri, "https://www.client.example/"],
    ["the parent of the target's host", "https://app.client.example/cb", "https://client.example/"],
    ["a host that ends as the target's does", redirectUri, "https://evilclient.example/"],
    ["another port", redirectUri, "https://client.example:8443/"],
    ["the target's host without its port", "https://client.example:8443/cb", "https://client.example/"],
    ["the target's host with a trailing dot", redirectUri, "https://client.example./"],
    ["the target's host without its trailing dot", "https://client.example./cb", "https://client.example/"],
    ["a host that looks like the target's", redirectUri, "https://cl\u0456ent.example/"],
    ["a user in front of the target's host", redirectUri, "https://bank.example@client.example/"],
    ["a user and a password in front of the target's host", redirectUri, "https://bank:login@client.example/"],
    ["loopback, as the target is", "http://localhost:3000/cb", "https://localhost:3000/"],
    ["loopback without a port, as the target is", "http://127.0.0.1/cb", "https://127.0.0.1/"],
    ["loopback over https, as the target is", "https://localhost/cb", "https://localhost/"],
    ["a host that a private-use scheme spells", "com.example.app://bank.example/cb", "https://bank.example/"],
    ["any host, for a private-use target without one", "com.example.app:/cb", "https://bank.example/"]
  ]

  /** The link to the client's web site on its consent page; `undefined` if there is none. */
  const linkFor = async (server: TestServer, client: Client, redirect_uri: string) => {
    const { page } = await server.toConsent(client, { redirect_uri })
    expect(page.document.querySelector("title")?.text).toBe("Allow access?")
    const link = page.document.querySelector(".site a")
    return link === null ? undefined : { host: link.querySelector("bdi")?.text, href: link.getAttribute("href") }
  }

  test("a web site on another host than the redirect target is not shown, for any client", async (server) => {
    for (const [why, redirect, client_uri] of sites) {
      const metadata = { redirect_uris: [redirect], client_uri, token_endpoint_auth_method: "none" }
      const operators = await server.addClient({ ...metadata, grant_types: ["authorization_code"] })
      for (const client of [await server.register(metadata), operators]) {
        expect(await linkFor(server, client, redirect), why).toBe(undefined)
      }
    }
  })

  test("a web site on the host of the redirect target is shown under its host, in any spelling", async (server) => {
    for (const [redirect, client_uri, host] of [
      [redirectUri, "https://client.example/about?x#y", "client.example"],
      [redirectUri, "https://CLIENT.example:443/", "client.example"],
      ["https://client.example:8443/cb", "https://client.example:8443/", "client.example:8443"],
      ["https://xn--mnchen-3ya.example/cb", "https://münchen.example/", "xn--mnchen-3ya.example"]
    ] as const) {
      const client = await server.register({ redirect_uris: [redirect], client_uri })
      expect(await linkFor(server, client, redirect)).toEqual({ host, href: new URL(client_uri).href })
    }
  })

  test("the shown web site depends on the target of the request, if a client has several", async (server) => {
    const other = "https://other.example/cb"
    const client = await server.register({ redirect_uris: [redirectUri, other], client_uri: "https://client.example/" })
    expect(await linkFor(server, client, redirectUri)).toMatchObject({ host: "client.example" })
    expect(await linkFor(server, client, other)).toBe(undefined)
  })

  test("only the web site is linked: the logo, the terms and the policy are shown nowhere", async (server) => {
    const client = await server.register({
      client_uri: "https://client.example/about",
      logo_uri: "https://client.example/logo.png",
      tos_uri: "https://client.example/tos",
      policy_uri: "https://client.example/policy"
    })
    for (const [at, { html }] of await everyPage(server, client)) {
      expect(html, at).not.toMatch(/client\.example\/(logo|tos|policy)/)
      expect(html.includes("client.example/about"), at).toBe(at === "consent")
    }
  })
})
