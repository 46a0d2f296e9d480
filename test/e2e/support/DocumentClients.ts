/**
 * The requests of widely used MCP clients that have a client ID metadata document, and the documents with all members that the
 * real ones have. From their public documentation and issues, November 2026.
 */
import {
  base,
  both,
  everything,
  fromChallenge,
  type KnownClient,
  protocol,
  resourceDocument,
  type ScopesFound,
  sdk,
  serverDocument
} from "./KnownClients.js"

const deviceCode = "urn:ietf:params:oauth:grant-type:device_code"
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

/** Asks for all scopes of the resource, and for those that an OpenID client asks for by habit. */
const withHabits = ({ resource }: ScopesFound) => `openid email offline_access profile ${resource}`

/** The members by which ChatGPT offers a server to sign, or not to. */
const chatGptKeys = {
  token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
  token_endpoint_auth_signing_alg: "RS256"
}

const chatGpt = {
  ...base,
  client_name: "ChatGPT",
  client_uri: "https://chatgpt.com",
  logo_uri: "https://chatgpt.com/favicon.png",
  redirect_uris: ["https://chatgpt.com/connector_platform_oauth_redirect"],
  ...chatGptKeys
}

const chatGptLookups = [
  { method: "HEAD", ...resourceDocument } as const,
  { method: "HEAD", ...serverDocument } as const,
  { method: "HEAD", path: "/.well-known/oauth-authorization-server/mcp", status: 404 } as const,
  ...sdk,
  { path: "/.well-known/openid-configuration", status: 200 } as const
]

const claude = {
  ...base,
  client_name: "Claude",
  client_uri: "https://claude.ai",
  logo_uri: "https://claude.ai/images/claude_app_icon.png",
  tos_uri: "https://www.anthropic.com/legal/consumer-terms",
  policy_uri: "https://www.anthropic.com/legal/privacy",
  redirect_uris: ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
  grant_types: [...both, jwtBearer]
}

const vsCode = {
  ...base,
  client_name: "Visual Studio Code",
  client_uri: "https://vscode.dev/product",
  logo_uri: "https://vscode.dev/static/stable/code-192.png",
  grant_types: [...both, deviceCode],
  redirect_uris: [
    "https://insiders.vscode.dev/redirect",
    "https://vscode.dev/redirect",
    "http://127.0.0.1/",
    "http://127.0.0.1:33418/"
  ],
  application_type: "native"
}

/** The clients that have a document. */
export const documentClients: ReadonlyArray<KnownClient> = [
  {
    name: "Claude, hosted connector, by document",
    lookups: sdk,
    identity: { document: { path: "/oauth/mcp-oauth-client-metadata", members: claude } },
    redirectUri: "https://claude.ai/api/mcp/auth_callback",
    scope: fromChallenge
  },
  {
    name: "Claude, hosted connector, by document, with all scopes of the server",
    lookups: sdk,
    identity: { document: { path: "/oauth/mcp-oauth-client-metadata", members: claude } },
    redirectUri: "https://claude.com/api/mcp/auth_callback",
    scope: everything
  },
  {
    name: "Claude Code, by document",
    lookups: sdk,
    identity: {
      document: {
        path: "/oauth/claude-code-client-metadata",
        members: {
          ...base,
          client_name: "Claude Code",
          client_uri: "https://claude.ai",
          redirect_uris: ["http://localhost/callback", "http://127.0.0.1/callback"]
        },
        headers: { "content-type": "application/json; charset=utf-8", "cache-control": "max-age=14400" }
      }
    },
    redirectUri: "http://localhost:54545/callback",
    scope: ({ challenge }) => `${challenge} offline_access`,
    headers: protocol
  },
  {
    name: "ChatGPT, by document, signing",
    lookups: chatGptLookups,
    identity: {
      document: {
        path: "/oauth/client.json",
        members: { ...chatGpt, token_endpoint_auth_method: "private_key_jwt" },
        jwksPath: "/oauth/jwks.json"
      }
    },
    redirectUri: "https://chatgpt.com/connector_platform_oauth_redirect",
    scope: withHabits
  },
  {
    name: "ChatGPT, by the document of a connector, public but signing",
    lookups: chatGptLookups,
    identity: {
      document: {
        path: "/oauth/c0ffee12/client.json",
        members: { ...chatGpt, token_endpoint_auth_method: "none" },
        jwksPath: "/oauth/jwks.json"
      }
    },
    redirectUri: "https://chatgpt.com/connector_platform_oauth_redirect",
    scope: everything
  },
  {
    name: "Codex, by document",
    lookups: [{ path: "/.well-known/oauth-authorization-server/mcp", status: 404 }, serverDocument],
    identity: {
      document: {
        path: "/oauth/codex/client.json",
        members: {
          ...base,
          client_name: "Codex",
          redirect_uris: ["http://127.0.0.1/callback", "http://localhost/callback"],
          application_type: "native"
        }
      }
    },
    redirectUri: "http://127.0.0.1:51234/callback",
    scope: fromChallenge,
    resourceIn: ["authorization", "code"]
  },
  {
    name: "VS Code, by document",
    lookups: sdk,
    identity: { document: { path: "/oauth/client-metadata.json", members: vsCode } },
    redirectUri: "https://vscode.dev/redirect",
    scope: everything,
    headers: protocol
  },
  {
    name: "VS Code, by document, when its port is taken",
    lookups: sdk,
    identity: { document: { path: "/oauth/client-metadata.json", members: vsCode } },
    redirectUri: "http://127.0.0.1:49500/",
    scope: everything,
    headers: protocol
  },
  {
    name: "Goose, by document",
    lookups: sdk,
    identity: {
      document: {
        path: "/goose/oauth/client-metadata.json",
        members: { ...base, client_name: "goose", redirect_uris: ["http://127.0.0.1/oauth_callback"], scope: "" },
        headers: { "content-type": "application/json; charset=utf-8", "cache-control": "max-age=600", vary: "Accept" }
      }
    },
    redirectUri: "http://127.0.0.1:41000/oauth_callback",
    scope: ({ challenge }) => `${challenge} offline_access`,
    authorization: { prompt: "consent" }
  },
  {
    name: "MCPJam, by document",
    lookups: sdk,
    identity: {
      document: {
        path: "/.well-known/oauth/client-metadata.json",
        members: {
          ...base,
          client_name: "MCPJam Inspector",
          client_uri: "https://www.mcpjam.com",
          logo_uri: "https://www.mcpjam.com/mcp_jam_2row.png",
          grant_types: [...both, deviceCode],
          redirect_uris: [
            "http://127.0.0.1:6274/oauth/callback",
            "http://localhost:6274/oauth/callback",
            "mcpjam://oauth/callback",
            "https://app.mcpjam.com/oauth/callback"
          ],
          contacts: ["founders@mcpjam.com"]
        },
        headers: { "content-type": "application/oauth-client-metadata+json", "cache-control": "no-store" }
      }
    },
    redirectUri: "http://127.0.0.1:6274/oauth/callback",
    scope: ({ resource }) => resource,
    headers: { ...protocol, origin: "http://127.0.0.1:6274" }
  },
  {
    name: "mcp-remote, by document, with openid email profile",
    lookups: sdk,
    identity: {
      document: {
        path: "/mcp-remote/client.json",
        members: {
          ...base,
          client_name: "MCP CLI Proxy",
          redirect_uris: ["http://localhost:3334/oauth/callback", "http://127.0.0.1:3334/oauth/callback"],
          software_id: "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
          software_version: "0.15.1"
        }
      }
    },
    redirectUri: "http://localhost:3334/oauth/callback",
    scope: () => "openid email profile",
    headers: protocol
  },
  {
    name: "Inspector, by document, in a browser",
    lookups: sdk,
    identity: {
      document: {
        path: "/inspector/client-metadata.json",
        members: {
          ...base,
          client_name: "MCP Inspector",
          redirect_uris: ["http://localhost:6274/oauth/callback", "http://localhost:6274/oauth/callback/debug"]
        }
      }
    },
    redirectUri: "http://localhost:6274/oauth/callback",
    scope: ({ resource }) => resource,
    headers: { ...protocol, origin: "http://localhost:6274" }
  }
]
