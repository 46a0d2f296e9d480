/**
 * Decides which clients may ask users for access. A seam: by default the settings decide (`clientAdmission`), and an app can
 * decide by its own rules. Clients that the operator created are always admitted, and so are those that the operator approved.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Client from "../../domain/Client.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { isListedHost } from "../../domain/Settings.js"
import * as Url from "../../domain/Url.js"
import { ServerSettings } from "../ServerSettings.js"

/** A client that the operator neither created nor approved. */
export interface Candidate {
  readonly id: Client.ClientId
  /** `Dynamic` for a client that registered itself, `Document` for the client of a metadata document. */
  readonly origin: Exclude<Client.Origin, "Operator">
  /** The host of the metadata document, without its port; `undefined` for a client that registered itself. */
  readonly host: string | undefined
}

/**
 * The decision on a client. `AwaitsApproval`: the user reads that the operator has to approve the client first, and an event
 * says that a user waits. `Refused`: the user reads that this server does not accept the client.
 */
export type Admission = "Admitted" | "AwaitsApproval" | "Refused"

/** Decides on a client. It runs for each authorization request, before a metadata document is fetched. */
export type Admit = (candidate: Candidate) => Effect.Effect<Admission, TemporarilyUnavailable>

/** The rule of the app, or `None` where the settings decide. */
export class ClientTrust extends Context.Reference<ClientTrust>()("latchkey/ClientTrust", {
  defaultValue: (): Option.Option<Admit> => Option.none()
}) {}

/**
 * Decides by the app's own rule, in place of the setting `clientAdmission`.
 *
 * @example
 * import { Effect, Layer } from "effect"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as ClientTrust from "latchkey/ClientTrust"
 *
 * const Trust = ClientTrust.layer(({ host }) => Effect.succeed(host === "claude.ai" ? "Admitted" : "AwaitsApproval"))
 * const Auth = AuthLayer.layer({ issuer: "https://notes.example.com", resources: [] }).pipe(Layer.provide(Trust))
 */
export const layer = (admit: Admit): Layer.Layer<ClientTrust> => Layer.succeed(ClientTrust, Option.some(admit))

/** Builds the function that decides on a client. `client` is its stored row, if it has one. */
export const make = Effect.gen(function* () {
  const own = yield* ClientTrust
  const { clientAdmission, clientHosts } = yield* ServerSettings

  const admit: Admit = Option.getOrElse(
    own,
    (): Admit =>
      ({ host }) => {
        switch (clientAdmission) {
          case "Open":
            return Effect.succeed("Admitted")
          case "Hosts":
            return Effect.succeed(host !== undefined && isListedHost(clientHosts, host) ? "Admitted" : "Refused")
          case "Approval":
            return Effect.succeed("AwaitsApproval")
        }
      }
  )

  return (
    id: Client.ClientId,
    client: Option.Option<Client.Client>
  ): Effect.Effect<Admission, TemporarilyUnavailable> => {
    const origin = Option.match(client, { onNone: () => "Document" as const, onSome: ({ origin }) => origin })
    const isApproved = Option.exists(client, ({ approval }) => Option.isSome(approval))
    return origin === "Operator" || isApproved
      ? Effect.succeed("Admitted")
      : admit({ id, origin, host: origin === "Document" ? Url.parse(id)?.hostname : undefined })
  }
})
