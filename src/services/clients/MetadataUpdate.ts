/** Stores new metadata of a client, together with the secret that the client gets or loses by them. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Client from "../../domain/Client.js"
import { secretFor, toStored } from "./ClientSecret.js"
import type { ChangeOptions, Clients } from "./Clients.js"

/** A client with its new metadata, and its new secret if it got one. */
export interface Updated {
  readonly client: Client.Client
  readonly secret: Option.Option<Redacted.Redacted>
}

/**
 * Stores metadata in place of those of the client as the caller read it. Metadata that are the same change nothing. `None` if
 * another change was stored meanwhile, or the client was deleted: then the caller reads the client again.
 */
export const store = Effect.fnUntraced(function* (
  clients: Context.Tag.Service<Clients>,
  client: Client.Client,
  to: Client.ClientMetadata,
  options?: ChangeOptions
) {
  const from = client.metadata
  if (Client.isSameMetadata(from, to)) return Option.some<Updated>({ client, secret: Option.none() })
  const secret = yield* secretFor(client, to)
  const stored = secret && Option.map(secret, toStored)
  const change = { from, to, ...(stored === undefined ? {} : { secret: stored }) }
  if (!(yield* clients.change(client.id, change, options))) return Option.none()
  return Option.some<Updated>({
    client: { ...client, metadata: to, ...(stored === undefined ? {} : { secret: stored, epoch: client.epoch + 1 }) },
    secret: secret ?? Option.none()
  })
})
