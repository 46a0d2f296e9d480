/** What an MCP client keeps between calls; both lines of the official SDK ask for the same things. */
import { randomUUID } from "node:crypto"

/** A provider for either SDK, which leaves the browser to the test. */
export class McpProvider {
  client: unknown
  stored: unknown
  verifier = ""
  /** Where the client would send the person. */
  sentTo: URL | undefined
  readonly states: Array<string> = []

  /** The URL of the client's metadata document. A client without one registers. */
  declare readonly clientMetadataUrl?: string

  constructor(
    readonly redirectUrl: string,
    clientMetadataUrl?: string
  ) {
    if (clientMetadataUrl !== undefined) this.clientMetadataUrl = clientMetadataUrl
  }

  get clientMetadata() {
    return {
      client_name: "An MCP client",
      redirect_uris: [this.redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none"
    }
  }
  state() {
    const state = randomUUID()
    this.states.push(state)
    return state
  }
  // The two SDKs name the types of these values differently; they give back what they were given.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  clientInformation(): any {
    return this.client
  }
  saveClientInformation(client: unknown) {
    this.client = client
  }
  // biome-ignore lint/suspicious/noExplicitAny: see above
  tokens(): any {
    return this.stored
  }
  saveTokens(tokens: unknown) {
    this.stored = tokens
  }
  redirectToAuthorization(url: URL) {
    this.sentTo = url
  }
  saveCodeVerifier(verifier: string) {
    this.verifier = verifier
  }
  codeVerifier() {
    return this.verifier
  }
  invalidateCredentials(what: "all" | "client" | "tokens" | "verifier" | "discovery") {
    if (what === "all" || what === "client") this.client = undefined
    if (what === "all" || what === "tokens") this.stored = undefined
    if (what === "all" || what === "verifier") this.verifier = ""
  }
}
