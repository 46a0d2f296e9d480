/** The hosts that are this machine itself (RFC 8252 §7.3, and `localhost`, which MCP's clients use). */

const hosts = new Set(["127.0.0.1", "[::1]", "localhost"])

/** Whether the host of a parsed URL is one of the three loopback names. No other spelling of them counts. */
export const isLoopback = (url: URL): boolean => hosts.has(url.hostname)
