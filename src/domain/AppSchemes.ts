/**
 * URI schemes of widely used apps, without the dot that RFC 8252 §7.1 requires. Public clients may register
 * redirect URIs of these schemes by default; the consent page names the scheme (ADR 30). Each line names a public
 * source that shows the app's redirect URI.
 */

/** Each scheme with its source. */
const sources = {
  // claude://claude.ai/mcp-auth-callback/sdk
  claude: "https://github.com/anthropics/claude-code/issues/93671",
  // cursor://anysphere.cursor-mcp/oauth/callback
  cursor: "https://github.com/modelcontextprotocol/python-sdk/issues/897",
  // raycast://oauth?package_name=Extension
  raycast: "https://developers.raycast.com/api-reference/oauth",
  // vscode://publisher.extension, as the Cline extension writes it
  vscode: "https://github.com/cline/cline/issues/2496",
  "vscode-insiders": "https://github.com/microsoft/vscode/pull/71397",
  vscodium: "https://github.com/ansible/ansible-ai-connect-service/pull/366",
  // warp://mcp/oauth2callback
  warp: "https://github.com/warpdotdev/warp/issues/9088",
  // windsurf://publisher.extension
  windsurf: "https://github.com/Mermaid-Chart/issue-tracker/issues/145"
} as const

/** The schemes, in alphabetical order. */
export const defaultAppSchemes: ReadonlyArray<string> = Object.keys(sources)
