/**
 * The client of an authorization request, and the redirect URI for the answer. An error here is shown on a page and never
 * sent by a redirect (RFC 6749 §4.1.2.1).
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { AuthorizationRefused, type ReplyAddress } from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import * as ClientDocument from "../../domain/ClientDocument.js"
import * as Parameters from "../../domain/Parameters.js"
import { ClientDocuments } from "../clients/ClientDocuments.js"
import * as ClientTrust from "../clients/ClientTrust.js"
import { ClientStore } from "../stores/ClientStore.js"

/** Maximum length of a `state`, in characters: a longer one may be cut in the URL that echoes it. */
export const maxStateLength = 4096

const refuse = (reason: AuthorizationRefused["reason"], description: string, clientId?: Client.ClientId) =>
  new AuthorizationRefused({ reason, description, clientId })

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

const unknownClient = refuse("UnknownClient", "The app that sent you here is not registered here.")

/** Builds the function that finds the reply address of a request. */
export const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const documents = yield* ClientDocuments
  const admit = yield* ClientTrust.make

  const refuseDocument = ({ problem }: ClientDocument.DocumentRefused) =>
    refuse("ClientDocument", ClientDocument.explain(problem))

  /**
   * The client of a metadata document, with its present metadata. A cached document that does not have the requested redirect
   * URI is fetched again: it may have changed.
   */
  const describedClient = Effect.fnUntraced(
    function* (id: Client.ClientId, stored: Option.Option<Client.Client>, requested: Option.Option<string>) {
      const first = yield* documents.find(id)
      const isListed =
        Option.isNone(requested) || Client.redirectUri({ metadata: first }, requested.value) !== undefined
      const metadata = isListed ? first : yield* documents.findAgain(id)
      if (Option.isSome(stored)) return { ...stored.value, metadata }
      return Client.ofDocument(id, metadata, yield* DateTime.now)
    },
    Effect.catchTag("DocumentRefused", refuseDocument)
  )

  return Effect.fnUntraced(function* (parameters: Parameters.Parameters) {
    const clientId = yield* single(parameters, "client_id")
    if (Option.isNone(clientId)) {
      return yield* refuse("MissingClientId", "The request does not say which app it is from.")
    }
    const id = Client.parseId(clientId.value)
    if (Option.isNone(id)) return yield* unknownClient
    const stored = yield* clients.find(id.value)
    const isDocument = documents.accepts(id.value)
    if (Option.isNone(stored) && !isDocument) return yield* unknownClient
    if (Option.exists(stored, ({ state }) => state === "Disabled")) {
      return yield* refuse("DisabledClient", "The app that sent you here is disabled here.")
    }
    const admission = yield* admit(id.value, stored)
    if (admission === "AwaitsApproval") {
      return yield* refuse(
        "ClientAwaitsApproval",
        "The operator of this server has to approve the app first, and can see now that you asked for it. Start again from the app when it is approved.",
        id.value
      )
    }
    if (admission === "Refused") {
      return yield* refuse("ClientNotAccepted", "This server does not accept the app that sent you here.")
    }
    const requested = yield* single(parameters, "redirect_uri")
    const client =
      Option.isSome(stored) && stored.value.origin !== "Document"
        ? stored.value
        : isDocument
          ? yield* describedClient(id.value, stored, requested)
          : yield* unknownClient
    const uri = yield* redirectUri(client, requested)
    const address: ReplyAddress = { client, redirectUri: uri, state: state(parameters) }
    return address
  })
})
