/**
 * Clients and a person's browser, over HTTP, at whichever node is named or comes next. All that they do, and all that
 * they are told, stands in the history.
 */
import { createHash, randomBytes } from "node:crypto"
import { Browser, type Page, withForm } from "../../flow/support/Browser.js"
import { password, scope, username } from "./Cluster.js"
import type { History, Kind, Outcome, Tokens, Whose } from "./History.js"
import { type Sent, send } from "./Http.js"

export const redirectUri = "https://client.example/callback"

/** A client that keeps a secret: it may introspect its own tokens, and a person who allowed it is not asked again. */
export interface Client {
  readonly name: string
  readonly id: string
  readonly secret: string
}

/** A code, and the verifier without which it is nothing. */
export interface Code {
  readonly code: string
  readonly verifier: string
}

export interface Options {
  readonly issuer: string
  /** Where the nodes answer. */
  readonly urls: ReadonlyArray<string>
  readonly history: History
  /** How long an answer is awaited; what does not come is unknown. */
  readonly patience?: number
}

/** Whose browser is logged in. */
export interface Person {
  readonly subject: string
  readonly browser: Browser
}

type Json = Readonly<Record<string, unknown>>

export class Clients {
  /** Where everything is logged; another one begins a new run. */
  history: History
  readonly #issuer: string
  readonly #urls: ReadonlyArray<string>
  readonly #patience: number
  #next = 0
  #names = 0

  constructor({ history, issuer, patience = 30_000, urls }: Options) {
    this.history = history
    this.#issuer = issuer
    this.#urls = urls
    this.#patience = patience
  }

  /** The address of a node; of the next in turn when none is named. */
  #url(node = this.#next++): string {
    return this.#urls[node % this.#urls.length] ?? this.#issuer
  }

  fetch(path: string, sent: Sent = {}, node?: number): Promise<Response> {
    return send(`${this.#url(node)}${path}`, { signal: AbortSignal.timeout(this.#patience), ...sent })
  }

  /**
   * Posts to an endpoint of the protocol. An error of it is a `fail`; a server in trouble (5xx) may have done what was
   * asked, or may yet, and so may one that did not answer.
   */
  async #post<K extends Kind>(
    path: string,
    body: URLSearchParams | string,
    read: (json: Json) => Extract<Outcome<K>, { type: "ok" }>["answer"] | string,
    node?: number,
    headers: Readonly<Record<string, string>> = {},
    signal?: AbortSignal
  ): Promise<Outcome<K>> {
    const init = { method: "POST", body, headers, ...(signal === undefined ? {} : { signal }) }
    const response = await this.fetch(path, init, node)
    const text = await response.text()
    if (response.status >= 500) return { type: "unknown" }
    const json: Json = text === "" ? {} : JSON.parse(text)
    if (!response.ok) return { type: "fail", error: String(json.error) }
    const answer = read(json)
    return typeof answer === "string" ? { type: "fail", error: answer } : { type: "ok", answer }
  }

  /** Registers a client; `undefined` when nobody knows whether it was. */
  async register(node?: number): Promise<Client | undefined> {
    let made: Client | undefined
    const name = `Client ${this.#names++}`
    await this.history.record(name, "Register", { name }, () =>
      this.#post<"Register">(
        "/register",
        JSON.stringify({
          client_name: name,
          redirect_uris: [redirectUri],
          grant_types: ["authorization_code", "refresh_token"],
          token_endpoint_auth_method: "client_secret_post"
        }),
        (json) => {
          made = { name, id: String(json.client_id), secret: String(json.client_secret) }
          return { client: made.id }
        },
        node,
        { "content-type": "application/json" }
      )
    )
    return made
  }

  /** Logs a person in, in a browser of their own. */
  async logIn(name = username, itsPassword = password): Promise<Person> {
    const browser = this.#browser()
    const login = await browser.open(`${this.#issuer}/account`)
    const account = await browser.submit(login, { fields: { username: name, password: itsPassword } })
    if (account.status !== 200) throw new Error(`nobody was logged in:\n${account.html}`)
    return { subject: name, browser }
  }

  /** A person takes back what they allowed a client. */
  async withdraw({ id, name }: Client, { browser, subject }: Person): Promise<() => Promise<Outcome<"Revoke">>> {
    const page = await browser.clone().open(`${this.#issuer}/account`)
    const apps = page.document.querySelectorAll("section h3").map(({ text }) => text.trim())
    const form = withForm(page, "withdraw", apps.indexOf(name))
    return () =>
      this.revoke(subject, { of: "Consent", subject, client: id }, async () => {
        const { status } = await browser.clone().submit(form, { button: "withdraw" })
        return status === 200 ? { type: "ok", answer: {} } : { type: "unknown" }
      })
  }

  /** The browser believes itself at the issuer, whichever node it is sent to. */
  #browser(node?: number): Browser {
    return new Browser(async (request) => {
      const { pathname, search } = new URL(request.url)
      const body = request.method === "POST" ? { body: await request.text() } : {}
      const { headers, method } = request
      return this.fetch(`${pathname}${search}`, { method, headers: Object.fromEntries(headers), ...body }, node)
    }, this.#issuer)
  }

  #authorizeUrl({ id }: Client, { verifier }: Code, prompt?: string): string {
    const challenge = createHash("sha256").update(verifier).digest("base64url")
    const parameters = new URLSearchParams({
      response_type: "code",
      client_id: id,
      redirect_uri: redirectUri,
      scope,
      resource: `${this.#issuer}/notes`,
      code_challenge: challenge,
      code_challenge_method: "S256",
      ...(prompt === undefined ? {} : { prompt })
    })
    return `${this.#issuer}/authorize?${parameters}`
  }

  /** What became of a page that was sent: a code, an error that the client was told, or nothing to rely on. */
  async #approve(
    client: Client,
    page: string,
    subject: string,
    verifier: string,
    send: () => Promise<Page>
  ): Promise<Code | undefined> {
    const outcome = await this.history.record(client.id, "Approve", { page, subject, client: client.id }, async () => {
      const { sentTo, status } = await send()
      const code = sentTo?.searchParams.get("code")
      if (code !== undefined && code !== null) return { type: "ok", answer: { code } }
      return status >= 500
        ? { type: "unknown" }
        : { type: "fail", error: sentTo?.searchParams.get("error") ?? `${status}` }
    })
    return outcome.type === "ok" ? { code: outcome.answer.code, verifier } : undefined
  }

  /** A visit to the authorization endpoint, where what this person allowed this client before is remembered. */
  visit(client: Client, { browser, subject }: Person, node?: number): Promise<Code | undefined> {
    const verifier = newVerifier()
    const url = this.#authorizeUrl(client, { code: "", verifier })
    const visitor = this.#browser(node)
    for (const [name, value] of browser.cookies) visitor.cookies.set(name, value)
    return this.#approve(client, verifier, subject, verifier, () => visitor.open(url))
  }

  /**
   * Shows the consent page, and answers with how to send its form: as often as one likes, to whichever node.
   * Throws when no such page is shown.
   */
  async consent(client: Client, { browser, subject }: Person) {
    const verifier = newVerifier()
    const page = await browser.clone().open(this.#authorizeUrl(client, { code: "", verifier }, "consent"))
    if (page.status !== 200) throw new Error(`no page was shown:\n${page.html}`)
    return (node?: number): Promise<Code | undefined> => {
      const sender = this.#browser(node)
      for (const [name, value] of browser.cookies) sender.cookies.set(name, value)
      return this.#approve(client, verifier, subject, verifier, () => sender.submit(page, { button: "allow" }))
    }
  }

  redeem(client: Client, { code, verifier }: Code, node?: number): Promise<Outcome<"Redeem">> {
    const body = { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: redirectUri }
    return this.history.record(client.id, "Redeem", { code }, () => this.#tokens<"Redeem">(client, body, node))
  }

  /** `signal` is the client that does not wait for the answer. */
  refresh(
    client: Client,
    token: string,
    options: { node?: number; signal?: AbortSignal } = {}
  ): Promise<Outcome<"Refresh">> {
    const body = { grant_type: "refresh_token", refresh_token: token }
    return this.history.record(client.id, "Refresh", { token }, () =>
      this.#tokens<"Refresh">(client, body, options.node, options.signal)
    )
  }

  #tokens<K extends "Redeem" | "Refresh">(
    { id, secret }: Client,
    body: Readonly<Record<string, string>>,
    node?: number,
    signal?: AbortSignal
  ): Promise<Outcome<K>> {
    return this.#post<K>(
      "/token",
      new URLSearchParams({ ...body, client_id: id, client_secret: secret }),
      (json): Tokens => ({ access: String(json.access_token), refresh: String(json.refresh_token) }),
      node,
      {},
      signal
    )
  }

  /** Whether an access token is good. */
  use({ id, secret }: Client, token: string, node?: number): Promise<Outcome<"Use">> {
    return this.history.record(id, "Use", { token }, () =>
      this.#post<"Use">(
        "/introspect",
        new URLSearchParams({ token, client_id: id, client_secret: secret }),
        ({ active }) => (active === true ? {} : "inactive"),
        node
      )
    )
  }

  /** Whether the server knows a client. */
  authenticate({ id, secret }: Client, node?: number): Promise<Outcome<"Authenticate">> {
    return this.history.record(id, "Authenticate", { client: id }, () =>
      this.#post<"Authenticate">(
        "/introspect",
        new URLSearchParams({ token: "nothing", client_id: id, client_secret: secret }),
        () => ({}),
        node
      )
    )
  }

  /** A client gives a token back (RFC 7009). */
  giveBack({ id, secret }: Client, token: string, node?: number): Promise<Outcome<"Revoke">> {
    return this.revoke(id, { of: "Token", token }, () =>
      this.#post<"Revoke">(
        "/revoke",
        new URLSearchParams({ token, client_id: id, client_secret: secret }),
        () => ({}),
        node
      )
    )
  }

  /** Logs a revocation that is made in some other way. */
  revoke(by: string, whose: Whose, run: () => Promise<Outcome<"Revoke">>): Promise<Outcome<"Revoke">> {
    return this.history.record(by, "Revoke", whose, run)
  }
}

const newVerifier = () => randomBytes(32).toString("base64url")
