/**
 * The client of an authorization request, and the redirect URI for the answer. An error here is shown on a page and never
 * sent by a redirect (RFC 6749 §4.1.2.1).
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { AuthorizationRefused, type ReplyAddress } from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import * as Parameters from "../../domain/Parameters.js"
import { ClientStore } from "../stores/ClientStore.js"

/** Maximum length of a `state`, in characters: a longer one may be cut in the URL that echoes it. */
export const maxStateLength = 4096

const refuse = (reason: AuthorizationRefused["reason"], description: string) =>
  new AuthorizationRefused({ reason, description })

const single = (parameters: Parameters.Parameters, name: string) =>
  Effect.catchTag(Parameters.single(parameters, name), "InvalidRequest", ({ description }) =>
    refuse("MalformedRequest", description)
  )

/** The registered redirect URI that the request names, or the only one that is registered (RFC 6749 §3.1.2.3). */
const redirectUri = (client: Client.Client, requested: Option.Option<string>) => {
  const registered = client.metadata.redirect_uris
  if (Option.isNone(requested)) {
    const [only] = registered
    return only !== undefined && registered.length === 1
      ? Effect.succeed(only)
      : refuse("MissingRedirectUri", "The request does not say where to send you afterwards.")
  }
  const uri = Client.redirectUri(client, requested.value)
  return uri === undefined
    ? refuse("UnregisteredRedirectUri", "The app asks to send you to an address that it has not registered.")
    : Effect.succeed(uri)
}

/** The state to echo; `None` for one that is repeated or too long, which the later checks report. */
const state = (parameters: Parameters.Parameters): ReplyAddress["state"] => {
  const [state = "", ...others] = Parameters.all(parameters, "state")
  const isEchoed = state !== "" && state.length <= maxStateLength && others.length === 0
  return isEchoed ? Option.some(Redacted.make(state)) : Option.none()
}

/** Builds the function that finds the reply address of a request. */
export const make = Effect.map(ClientStore, (clients) =>
  Effect.fnUntraced(function* (parameters: Parameters.Parameters) {
    const clientId = yield* single(parameters, "client_id")
    if (Option.isNone(clientId)) {
      return yield* refuse("MissingClientId", "The request does not say which app it is from.")
    }
    const client = yield* Option.match(Client.parseId(clientId.value), {
      onNone: () => Effect.succeedNone,
      onSome: clients.find
    })
    if (Option.isNone(client)) {
      return yield* refuse("UnknownClient", "The app that sent you here is not registered here.")
    }
    if (client.value.state === "Disabled") {
      return yield* refuse("DisabledClient", "The app that sent you here is disabled here.")
    }
    const uri = yield* redirectUri(client.value, yield* single(parameters, "redirect_uri"))
    const address: ReplyAddress = { client: client.value, redirectUri: uri, state: state(parameters) }
    return address
  })
)
