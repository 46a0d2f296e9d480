/** Metadata documents of clients on the web of a test, which records each request for them. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { OutboundClient, OutboundError, type OutboundReason } from "../../../src/services/outbound/OutboundClient.js"
import { redirectUri } from "./Server.js"

/** The URL of the document of most tests. */
export const url = "https://app.example/client.json"

/** A document with few members, and those that differ. */
export const document = (changes: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
  client_id: url,
  client_name: "Example app",
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: "none",
  ...changes
})

/** The answer of a host. */
export interface Answer {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** The document cannot be fetched. */
  readonly failure?: OutboundReason
}

/** The web of one test: answers by URL, which a test may change, and the URLs that were fetched. */
export type Web = ReturnType<typeof make>

/** The web of one test. */
export const make = (answers: Record<string, Answer>) => {
  const fetched: Array<string> = []
  const seams = Layer.succeed(OutboundClient, {
    get: ({ url }) =>
      Effect.suspend(() => {
        fetched.push(url.href)
        const { body, failure, headers } = answers[url.href] ?? { failure: "Unreachable" }
        if (failure !== undefined) return new OutboundError({ reason: failure, detail: "a test" })
        return Effect.succeed({
          headers: { "content-type": "application/json", ...headers },
          body: new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body))
        })
      })
  })
  return { answers, fetched, seams: seams as Layer.Layer<never> }
}
