/** A client of the SDK whose person goes through the browser when it asks for that. */
import { expect } from "vitest"
import type { Callback } from "./Callback.js"
import type { McpProvider } from "./McpProvider.js"
import type { Person } from "./Person.js"
import type { Connection, Sdk } from "./Sdk.js"

/** A client and the listener at its redirect URI. */
export interface Party {
  readonly callback: Callback
  readonly provider: McpProvider
}

/** Lets the client try, takes its person through the browser when it asks, and lets it try again. */
export const withPerson = async <A>(
  sdk: Sdk,
  mcp: string,
  { callback, provider }: Party,
  who: Person,
  attempt: () => Promise<A>,
  ticked?: ReadonlyArray<string>
): Promise<A> => {
  try {
    return await attempt()
  } catch (error) {
    if (!sdk.isUnauthorized(error)) throw error
    const url = provider.sentTo
    if (url === undefined) throw new Error("the client sends the person nowhere")
    provider.sentTo = undefined
    await who.authorize(url, ticked === undefined ? {} : { ticked })
    const answer = await callback.next()
    expect(answer.get("state")).toBe(provider.states.at(-1))
    expect(answer.get("iss")).toBe(new URL(mcp).origin)
    await sdk.finish(mcp, provider, answer)
    return await attempt()
  }
}

/** Connects. The person ticks these scopes, or leaves the page as it is. The caller closes the connection. */
export const connect = (
  sdk: Sdk,
  mcp: string,
  client: Party,
  who: Person,
  ticked?: ReadonlyArray<string>
): Promise<Connection> => withPerson(sdk, mcp, client, who, () => sdk.connect(mcp, client.provider), ticked)
