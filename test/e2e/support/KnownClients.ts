/**
 * The requests of widely used MCP clients that register, from their public documentation and issues, November 2026. Each client
 * has its own order of discovery, its own registration and its own way to ask for scopes.
 */

/** Scopes that a client has read by the time it sends the person to the authorization endpoint. */
export interface ScopesFound {
  /** `scope` of the challenge (RFC 6750 §3). */
  readonly challenge: string
  /** `scopes_supported` of the resource (RFC 9728 §2). */
  readonly resource: string
  /** `scopes_supported` of the server (RFC 8414 §2). */
  readonly server: string
}

/** A request for metadata, and the status that the client can go on from. */
export interface Lookup {
  readonly method?: "GET" | "HEAD"
  readonly path: string
  readonly status: 200 | 404
}

/** The client ID metadata document of a client, without its `client_id`. */
export interface KnownDocument {
  readonly path: string
  readonly members: Readonly<Record<string, unknown>>
  /** Path of its keys on the same host. A client that has keys signs. */
  readonly jwksPath?: string
  /** Headers of the response; the content type is JSON if none is given. */
  readonly headers?: Readonly<Record<string, string>>
}

/** The registration of a client. */
export interface Registration {
  /** Its body, as it stands on the wire. */
  readonly registration: Readonly<Record<string, unknown>>
  /** Path of its keys. A client that has keys signs if the server accepts signatures. */
  readonly jwksPath?: string
}

/** What one client sends. */
export interface KnownClient {
  readonly name: string
  /** Documents that it asks for before it has a client id, in its order. */
  readonly lookups: ReadonlyArray<Lookup>
  /** Its registration, or the document whose URL is its client id. */
  readonly identity: Registration | { readonly document: KnownDocument }
  /** The redirect URI that it uses: one that it registered, or a loopback one with another port. */
  readonly redirectUri: string
  /** The scope that it asks for; `undefined` for none. */
  readonly scope: (found: ScopesFound) => string | undefined
  /** Further parameters of its authorization request. */
  readonly authorization?: Readonly<Record<string, string>>
  /** Headers of each of its requests. A browser adds its preflights to these. */
  readonly headers?: Readonly<Record<string, string>>
  /** Requests that name the resource (RFC 8707); all of them if not given. */
  readonly resourceIn?: ReadonlyArray<"authorization" | "code" | "refresh">
  /** `scope` of its refresh; `undefined` for none. */
  readonly refreshScope?: string
}

/** Grant types of most clients. */
export const both = ["authorization_code", "refresh_token"]
/** Metadata of most clients. */
export const base = { grant_types: both, response_types: ["code"], token_endpoint_auth_method: "none" }

/** The metadata of the resource (RFC 9728 §3). */
export const resourceDocument: Lookup = { path: "/.well-known/oauth-protected-resource/mcp", status: 200 }
/** The metadata of the server (RFC 8414 §3). */
export const serverDocument: Lookup = { path: "/.well-known/oauth-authorization-server", status: 200 }
/** The header by which a client names its version of MCP. */
export const protocol = { "mcp-protocol-version": "2025-06-18" }

/** The order of the TypeScript SDK: the document that the challenge names, then the server's. */
export const sdk = [resourceDocument, serverDocument]

/** Asks for the scope of the challenge. */
export const fromChallenge = ({ challenge }: ScopesFound) => challenge
/** Asks for all scopes of the server. */
export const everything = ({ server }: ScopesFound) => server

/** The clients that register. */
export const registeredClients: ReadonlyArray<KnownClient> = [
  {
    name: "Claude, hosted connector",
    lookups: sdk,
    identity: {
      registration: {
        ...base,
        client_name: "Claude",
        redirect_uris: ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
        grant_types: [...both, "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        scope: "notes:read notes:write"
      }
    },
    redirectUri: "https://claude.ai/api/mcp/auth_callback",
    scope: fromChallenge
  },
  {
    name: "Claude, desktop agent session",
    lookups: sdk,
    identity: {
      registration: { ...base, client_name: "Claude", redirect_uris: ["claude://claude.ai/mcp-auth-callback/sdk"] }
    },
    redirectUri: "claude://claude.ai/mcp-auth-callback/sdk",
    scope: fromChallenge
  },
  {
    name: "Claude Code",
    lookups: sdk,
    identity: {
      registration: {
        ...base,
        client_name: "Claude Code (demo)",
        redirect_uris: ["http://localhost/callback", "http://127.0.0.1/callback"]
      }
    },
    redirectUri: "http://localhost:54545/callback",
    scope: fromChallenge,
    headers: protocol
  },
  {
    name: "ChatGPT, registered with methods to choose from",
    lookups: [
      { method: "HEAD", ...resourceDocument },
      { method: "HEAD", ...serverDocument },
      ...sdk,
      { path: "/.well-known/openid-configuration", status: 200 }
    ],
    identity: {
      registration: {
        ...base,
        client_name: "ChatGPT",
        redirect_uris: ["https://chatgpt.com/connector_platform_oauth_redirect"],
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
        token_endpoint_auth_signing_alg: "RS256"
      },
      jwksPath: "/oauth/jwks.json"
    },
    redirectUri: "https://chatgpt.com/connector_platform_oauth_redirect",
    scope: everything
  },
  {
    name: "ChatGPT, public, with the scopes that it asks for by habit",
    lookups: sdk,
    identity: {
      registration: {
        ...base,
        client_name: "ChatGPT",
        redirect_uris: ["https://chatgpt.com/connector_platform_oauth_redirect"]
      }
    },
    redirectUri: "https://chatgpt.com/connector_platform_oauth_redirect",
    scope: ({ resource }) => `openid email offline_access profile ${resource}`
  },
  {
    name: "Codex",
    lookups: [{ path: "/.well-known/oauth-authorization-server/mcp", status: 404 }, serverDocument],
    identity: { registration: { ...base, client_name: "Codex", redirect_uris: ["http://127.0.0.1:51234/callback"] } },
    redirectUri: "http://127.0.0.1:51234/callback",
    scope: fromChallenge,
    resourceIn: ["authorization", "code"]
  },
  {
    name: "VS Code",
    lookups: sdk,
    identity: {
      registration: {
        ...base,
        client_name: "Visual Studio Code",
        client_uri: "https://code.visualstudio.com",
        grant_types: [...both, "urn:ietf:params:oauth:grant-type:device_code"],
        redirect_uris: [
          "https://insiders.vscode.dev/redirect",
          "https://vscode.dev/redirect",
          "http://127.0.0.1/",
          "http://127.0.0.1:33418/"
        ],
        application_type: "native",
        scope: "notes:read notes:write"
      }
    },
    redirectUri: "http://127.0.0.1:33418/",
    scope: everything,
    headers: protocol
  },
  {
    name: "VS Code, when its port is taken",
    lookups: sdk,
    identity: {
      registration: {
        ...base,
        client_name: "Visual Studio Code",
        redirect_uris: ["https://vscode.dev/redirect", "http://127.0.0.1/", "http://127.0.0.1:33418/"]
      }
    },
    redirectUri: "http://127.0.0.1:49500/",
    scope: everything
  },
  {
    name: "Cursor",
    lookups: sdk,
    identity: {
      registration: {
        ...base,
        client_name: "Cursor",
        redirect_uris: [
          "cursor://anysphere.cursor-mcp/oauth/callback",
          "https://www.cursor.com/agents/mcp/oauth/callback",
          "http://localhost:8787/callback"
        ]
      }
    },
    redirectUri: "cursor://anysphere.cursor-mcp/oauth/callback",
    scope: () => undefined,
    headers: protocol
  },
  {
    name: "Gemini CLI",
    lookups: [{ path: "/.well-known/oauth-protected-resource", status: 200 }, resourceDocument, serverDocument],
    identity: {
      registration: {
        ...base,
        client_name: "Gemini CLI MCP Client",
        redirect_uris: ["http://localhost:7777/oauth/callback"],
        code_challenge_method: ["S256"],
        scope: ""
      }
    },
    redirectUri: "http://localhost:7777/oauth/callback",
    scope: ({ resource }) => resource
  },
  {
    name: "Goose",
    lookups: sdk,
    identity: {
      registration: { ...base, client_name: "goose", redirect_uris: ["http://127.0.0.1:41000/oauth_callback"] }
    },
    redirectUri: "http://127.0.0.1:41000/oauth_callback",
    scope: fromChallenge
  },
  {
    name: "Goose, with offline_access",
    lookups: sdk,
    identity: {
      registration: { ...base, client_name: "goose", redirect_uris: ["http://127.0.0.1:41000/oauth_callback"] }
    },
    redirectUri: "http://127.0.0.1:41000/oauth_callback",
    scope: ({ challenge }) => `${challenge} offline_access`,
    authorization: { prompt: "consent" }
  },
  {
    name: "mcp-remote, with openid email profile",
    lookups: sdk,
    identity: {
      registration: {
        ...base,
        client_name: "MCP CLI Proxy",
        client_uri: "https://github.com/modelcontextprotocol/mcp-cli",
        software_id: "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
        software_version: "0.1.31",
        redirect_uris: ["http://localhost:3334/oauth/callback"],
        scope: "openid email profile"
      }
    },
    redirectUri: "http://localhost:3334/oauth/callback",
    scope: () => "openid email profile",
    headers: protocol
  },
  {
    name: "MCPJam",
    lookups: sdk,
    identity: {
      registration: {
        ...base,
        client_name: "MCPJam Inspector",
        logo_uri: "https://www.mcpjam.com/mcp_jam_2row.png",
        grant_types: [...both, "urn:ietf:params:oauth:grant-type:device_code"],
        redirect_uris: ["http://127.0.0.1:6274/oauth/callback", "http://localhost:6274/oauth/callback"]
      }
    },
    redirectUri: "http://127.0.0.1:6274/oauth/callback",
    scope: ({ resource }) => resource
  },
  {
    name: "Inspector, in a browser",
    lookups: sdk,
    identity: {
      registration: {
        ...base,
        client_name: "MCP Inspector",
        client_uri: "https://github.com/modelcontextprotocol/inspector",
        redirect_uris: ["http://localhost:6274/oauth/callback", "http://localhost:6274/oauth/callback/debug"],
        scope: "notes:read notes:write"
      }
    },
    redirectUri: "http://localhost:6274/oauth/callback/debug",
    scope: ({ resource }) => resource,
    headers: { ...protocol, origin: "http://localhost:6274" }
  },
  {
    name: "Copilot CLI",
    lookups: sdk,
    identity: { registration: { ...base, client_name: "GitHub Copilot CLI", redirect_uris: ["http://127.0.0.1/"] } },
    redirectUri: "http://127.0.0.1:60123/",
    scope: fromChallenge
  },
  {
    name: "opencode",
    lookups: sdk,
    identity: {
      registration: {
        ...base,
        client_name: "OpenCode",
        client_uri: "https://opencode.ai",
        redirect_uris: ["http://127.0.0.1:19876/mcp/oauth/callback"]
      }
    },
    redirectUri: "http://127.0.0.1:19876/mcp/oauth/callback",
    scope: fromChallenge,
    refreshScope: "notes:read notes:write"
  }
]
