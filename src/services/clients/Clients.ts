/**
 * Changes registered clients: disable, enable, delete, a new secret, new metadata.
 *
 * A change that ends the client's access first raises the client's epoch, after which nothing issued under the earlier one is
 * valid, and then marks the rows (`GrantRevocation`). It runs to its end also when the caller is interrupted.
 *
 * After an error of the store, or the end of the process, some rows may not be marked yet. The same call continues, with
 * one exception: `change` stores nothing a second time. There `latchkey client rotate-secret` continues, or `latchkey grant
 * revoke --client` where the client has no secret any more. The log says so.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Client from "../../domain/Client.js"
import * as ClientDocument from "../../domain/ClientDocument.js"
import * as ClientIdUrl from "../../domain/ClientIdUrl.js"
import type { EventKind } from "../../domain/Event.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { ResourceIndicator } from "../../domain/Resource.js"
import { Events } from "../events/Events.js"
import { GrantRevocation } from "../grants/GrantRevocation.js"
import * as RunToEnd from "../grants/RunToEnd.js"
import { digest } from "../keys/Crypto.js"
import * as Spans from "../Spans.js"
import { ClientStore, type MetadataChange } from "../stores/ClientStore.js"
import { newClientSecret } from "./ClientSecret.js"

/** Whether the client exists, and was changed. */
type Found = Effect.Effect<boolean, TemporarilyUnavailable>

/** Options of a change that the client makes itself. */
export interface ChangeOptions {
  /** Whether the event is stored; it is if not given. One that a stranger can cause again and again is not (ADR 26). */
  readonly isStored?: boolean
}

type Change = Extract<EventKind, { readonly _tag: "ClientChanged" }>["change"]

export class Clients extends Context.Tag("latchkey/Clients")<
  Clients,
  {
    readonly find: Context.Tag.Service<ClientStore>["find"]
    /** Returns a page of the clients, the oldest first. */
    readonly list: ClientStore["Type"]["list"]
    /** Disables the client: it gets no more tokens, and everything issued to it is invalid. */
    readonly disable: (id: Client.ClientId) => Found
    /** Enables the client again. Tokens that were issued before it was disabled stay invalid. */
    readonly enable: (id: Client.ClientId) => Found
    /**
     * Approves a client that the operator did not create: it is admitted, whatever `ClientTrust` says. Users grant it access to
     * `resources` without a consent page. The URL of a metadata document that no user has allowed yet is approved as well.
     */
    readonly approve: (id: Client.ClientId, resources: ReadonlySet<ResourceIndicator>) => Found
    /** Withdraws the approval of a client. Its grants stay: `disable` ends them. */
    readonly unapprove: (id: Client.ClientId) => Found
    /** Deletes the client. A second call returns `false`, and continues a deletion that broke off. */
    readonly remove: (id: Client.ClientId, options?: ChangeOptions) => Found
    /**
     * Replaces the client's secret, and returns the new one. The old secret and everything issued to the client are
     * invalid. Returns `None` for an unknown client.
     */
    readonly rotateSecret: (
      id: Client.ClientId
    ) => Effect.Effect<Option.Option<Redacted.Redacted>, TemporarilyUnavailable>
    /**
     * Stores new metadata, if the stored metadata still is what the caller read. If the client authenticates in another way
     * then, everything issued to it ends; otherwise its grants stay, and a refresh gives no more than the client may have then.
     */
    readonly change: (id: Client.ClientId, change: MetadataChange, options?: ChangeOptions) => Found
  }
>() {}

/** Returns how the operator continues a change that broke off, and gets a known secret. */
const rotateToContinue = (id: Client.ClientId): string =>
  `Run "latchkey client rotate-secret ${id}" to continue, and for a secret that is shown`

const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const events = yield* Events
  const revocation = yield* GrantRevocation
  const runToEnd = yield* RunToEnd.make

  const publish = (clientId: Client.ClientId, change: Change, { isStored = true }: ChangeOptions = {}) =>
    Effect.zipRight(
      Effect.sync(() => Spans.annotate({ clientId })),
      (isStored ? events.publish : events.emit)({ _tag: "ClientChanged", clientId, change })
    )

  const revokeAll = (clientId: Client.ClientId, remedy?: string) =>
    revocation.revokeEnded({ clientId }, "ClientRevoked", remedy)

  /** Publishes a change that raised the client's epoch, and revokes what was issued to the client. */
  const end = (id: Client.ClientId, changed: Found, change: Change, remedy?: string, options?: ChangeOptions): Found =>
    runToEnd(RunToEnd.thenIfFound(changed, Effect.zipRight(publish(id, change, options), revokeAll(id, remedy))))

  /** Stores the client of a metadata document before its first use, so that the operator can approve or disable it. */
  const recordDocument = Effect.fnUntraced(function* (id: Client.ClientId) {
    if (!ClientIdUrl.isDocument(id) || Option.isSome(yield* clients.find(id))) return
    yield* clients.record(Client.ofDocument(id, ClientDocument.unread, yield* DateTime.now))
  })

  const setApproval = (id: Client.ClientId, approval: Client.Client["approval"], change: Change) =>
    runToEnd(RunToEnd.thenIfFound(clients.setApproval(id, approval), publish(id, change)))

  return Clients.of({
    find: clients.find,
    list: clients.list,
    disable: Effect.fn("Clients.disable")((id) =>
      Effect.zipRight(recordDocument(id), end(id, clients.setState(id, "Disabled"), "Disabled"))
    ),
    enable: Effect.fn("Clients.enable")((id) =>
      runToEnd(RunToEnd.thenIfFound(clients.setState(id, "Enabled"), publish(id, "Enabled")))
    ),
    approve: Spans.fn("Clients.approve")(function* (id, resources) {
      yield* recordDocument(id)
      return yield* setApproval(id, Option.some({ at: yield* DateTime.now, resources }), "Approved")
    }),
    unapprove: Effect.fn("Clients.unapprove")((id) => setApproval(id, Option.none(), "Unapproved")),
    // Where the row is deleted already, grants of a deletion that broke off may be left.
    remove: Effect.fn("Clients.remove")((id, options) =>
      runToEnd(Effect.zipLeft(RunToEnd.thenIfFound(clients.remove(id), publish(id, "Deleted", options)), revokeAll(id)))
    ),
    rotateSecret: Spans.fn("Clients.rotateSecret")(function* (id) {
      const secret = yield* newClientSecret
      const changed = clients.setSecret(id, { digest: digest(secret), expiresAt: Option.none() })
      const found = yield* end(id, changed, "SecretRotated", rotateToContinue(id))
      return found ? Option.some(secret) : Option.none()
    }),
    change: Effect.fn("Clients.change")((id, change, options) => {
      const changed = clients.setMetadata(id, change)
      if (change.secret === undefined) return runToEnd(RunToEnd.thenIfFound(changed, publish(id, "Updated", options)))
      const remedy = Option.isSome(change.secret)
        ? rotateToContinue(id)
        : `Run "latchkey grant revoke --client ${id}" to continue`
      return end(id, changed, "Updated", remedy, options)
    })
  })
})

export const layer = Layer.scoped(Clients, make)
