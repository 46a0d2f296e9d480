/** The loopback hosts (RFC 8252 §7.3, and `localhost`, which MCP clients use). */

const hosts = new Set(["127.0.0.1", "[::1]", "localhost"])

/** Whether the host of a parsed URL is one of the three loopback hosts. Other spellings of them do not count. */
export const isLoopback = (url: URL): boolean => hosts.has(url.hostname)
